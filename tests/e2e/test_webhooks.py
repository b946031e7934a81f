"""Webhooks: signed, tried again, one outcome each, whatever the receiver does and whoever dies."""

import base64
import email.utils
import json
import os
import time

import pytest

from harness import tokens, webhooks
from harness.api import Api
from harness.brinco import Brinco
from harness.wait import wait_for
from harness.webhooks import Deliveries, Receiver, answer, drip, hang, now_ms, send

DAY_S = 86400
SECRET = bytes(range(32))
LOCAL = {"serve__roles": "collector api", "webhooks__allowed_hosts": "127.0.0.1",
         "webhooks__timeout_ms": 1500}


def put_secret(brinco):
    brinco.data.mkdir(parents=True, exist_ok=True)
    path = brinco.data / "secret"
    path.write_bytes(SECRET)
    os.chmod(path, 0o600)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def make(make_system):
    """Makes a system that sends; returns it and its deliveries."""
    def made(start=True, secret=True, **options):
        system = make_system(start=False, **{**LOCAL, **options})
        if secret:
            put_secret(system.brinco)
        if start:
            system.brinco.start(wait=False).ready()
        return system, Deliveries(system.keys)
    return made


def another(system, place, **options):
    """A second sender on the same Redis."""
    brinco = Brinco(place / "another", system.redis.url, **{**LOCAL, **options})
    put_secret(brinco)
    return brinco.start(wait=False).ready()


def attempts(brinco, result):
    return brinco.metrics().sum("brinco_webhook_attempts_total", result=result)


def assert_settled(system, key):
    """Nothing is left of it on the lists of what is to be done."""
    assert system.keys.zscore("brinco:webhooks:due", key) is None
    assert system.keys.zscore("brinco:webhooks:open", key) is None


@pytest.mark.short
def test_one_that_fails_first_is_delivered_signed_and_with_the_same_id(make, receiver):
    system, deliveries = make()
    url = receiver.on("/hook?of=mx", webhooks.one_after_the_other(answer(500), answer(204, b"")))
    body = '{"type":"conversion","note":"á \\" ñ"}'
    key = deliveries.add(url, campaign="spring", body=body)
    tried = deliveries.wait_tried(key)
    assert tried["last_error"] == "the status is 500" and tried["last_status"] == "500"
    assert 3900 <= deliveries.due_at(key) - int(tried["last_at"]) <= 8000
    deliveries.make_due(key)
    done = deliveries.wait(key, "delivered")
    assert done["attempts"] == "2" and done["last_status"] == "204"
    assert "next_at" not in done and done["last_error"] == ""
    assert 6.9 * DAY_S < system.keys.ttl(f"brinco:webhook:{key}") <= 7 * DAY_S
    assert_settled(system, key)
    signing = webhooks.campaign_key(SECRET, "spring")
    assert [request.id for request in receiver.requests] == [key, key]
    for request in receiver.requests:
        assert request.method == "POST" and request.path == "/hook?of=mx"
        assert request.body == body.encode()
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("brinco/")
        assert webhooks.is_signed(request, signing)
        assert not webhooks.is_signed(request, webhooks.campaign_key(SECRET, "autumn"))
    metrics = system.brinco.metrics()
    assert metrics.sum("brinco_webhooks_total", state="delivered") == 1
    assert metrics.sum("brinco_webhook_attempts_total", result="status") == 1


BAD = {
    "hangs": (hang, "timeout", "timed out"),
    "cuts": (send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"), "broken", ""),
    "says_nothing": (send(), "broken", ""),
    "redirects": (answer(307, b"", ["Location: /elsewhere"]), "status", "redirects are not"),
    "drips": (drip, "timeout", "timed out"),
    "floods": (answer(200, b"x" * (64 * 1024 + 1)), "too_large", "64 KiB"),
    "floods_with_fields": (answer(200, b"", [f"X-{n}: " + "y" * 8000 for n in range(9)]),
                           "too_large", "64 KiB"),
    "promises_more": (send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", pause=0.01), "broken",
                      ""),
    "lies_about_chunks": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n"
                               b"0\r\n\r\n"), "broken", ""),
    "speaks_no_http": (send(b"220 smtp.example ready\r\n"), "broken", ""),
    "is_not_found": (answer(404), "status", "404"),
    "is_overloaded": (answer(503), "status", "503"),
    "closes_between": (send(b"HTTP/1.1 200 OK\r\nContent-Le"), "broken", ""),
    "says_100_only": (send(b"HTTP/1.1 100 Continue\r\n\r\n"), "broken", ""),
}


def test_what_is_no_whole_2xx_is_tried_again(make, receiver):
    """All of them at once, beside one that is well."""
    system, deliveries = make()
    receivers = {name: Receiver() for name in BAD}
    try:
        keys = {name: deliveries.add(receivers[name].on("/", behaviour))
                for name, (behaviour, _, _) in BAD.items()}
        good = deliveries.add(receiver.url("/good"))
        deliveries.wait(good, "delivered")
        results = {}
        for name, (_, result, text) in BAD.items():
            tried = deliveries.wait_tried(keys[name])
            assert tried["state"] == "pending" and tried["attempts"] == "1", name
            assert text in tried["last_error"] and tried["last_error"], (name, tried)
            assert deliveries.due_at(keys[name]) > now_ms() + 1000, name
            assert receivers[name].ids() == [keys[name]], name  # /elsewhere was not asked
            results[result] = results.get(result, 0) + 1
        for result, count in results.items():
            assert attempts(system.brinco, result) == count, result
        assert system.brinco.metrics().sum("brinco_webhooks_pending") == len(BAD)
        assert system.brinco.metrics().sum("brinco_webhooks_oldest_pending_seconds") > 0.5
    finally:
        for one in receivers.values():
            one.close()


def test_more_than_was_promised_is_left_alone(make, receiver):
    """A whole 2xx it is."""
    _, deliveries = make()
    key = deliveries.add(receiver.on("/", send(b"HTTP/1.1 202 Yes\r\nContent-Length: 2\r\n\r\nok"
                                               b"HTTP/1.1 500 No\r\n\r\n")))
    assert deliveries.wait(key, "delivered")["last_status"] == "202"
    key = deliveries.add(receiver.on("/x", send(b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\n"
                                                b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0"
                                                b"\r\nX-Trailer: y\r\n\r\n")))
    assert deliveries.wait(key, "delivered")["last_status"] == "200"


def test_gone_fails_at_once(make, receiver):
    system, deliveries = make()
    key = deliveries.add(receiver.on("/gone", answer(410)))
    failed = deliveries.wait(key, "failed")
    assert failed["attempts"] == "1" and failed["last_status"] == "410"
    assert 29 * DAY_S < system.keys.ttl(f"brinco:webhook:{key}") <= 30 * DAY_S
    assert_settled(system, key)
    wait_for(lambda: system.brinco.metrics().sum("brinco_webhooks_total", state="failed") == 1)
    assert f"webhook_failed id={key} campaign=spring" in system.brinco.log()


@pytest.mark.parametrize("text,seconds", [
    ("600", 600), ("999999999999", 4 * 3600), ("soon", 4), ("-5", 4),
    (lambda: email.utils.formatdate(time.time() + 1000, usegmt=True), 990)])
def test_retry_after_is_honoured_within_bounds(make, receiver, text, seconds):
    _, deliveries = make()
    value = text() if callable(text) else text
    key = deliveries.add(receiver.on("/", answer(429, b"", [f"Retry-After: {value}"])))
    tried = deliveries.wait_tried(key)
    wait_ms = deliveries.due_at(key) - int(tried["last_at"])
    assert seconds * 1000 <= wait_ms <= seconds * 1000 + 30000


def test_it_is_given_up_a_day_after_it_began(make, receiver):
    """And tried once more at the very end of the day."""
    _, deliveries = make()
    url = receiver.on("/", answer(500))
    began = now_ms() - 24 * 3600 * 1000
    late = deliveries.add(url, created_at=began + 60000, due_at=now_ms(), attempts=9)
    over = deliveries.add(url, created_at=began - 1, attempts=9)
    never_tried = deliveries.add(url, created_at=began - 3600 * 1000)
    assert deliveries.wait_tried(late)["state"] == "pending"
    assert deliveries.due_at(late) == began + 60000 + 24 * 3600 * 1000
    assert deliveries.wait(over, "failed")["attempts"] == "10"
    assert deliveries.wait(never_tried, "failed")["attempts"] == "1"
    assert sorted(receiver.ids()) == sorted([late, over, never_tried])


def test_two_senders_send_each_once(make, receiver, place):
    system, deliveries = make()
    other = another(system, place)
    try:
        keys = [deliveries.add(receiver.url("/")) for _ in range(400)]
        for key in keys:
            assert deliveries.wait(key, "delivered")["attempts"] == "1"
        assert sorted(receiver.ids()) == sorted(keys)
        counts = [brinco.metrics().sum("brinco_webhooks_total", state="delivered")
                  for brinco in (system.brinco, other)]
        assert sum(counts) == len(keys) and min(counts) > 0
        assert receiver.most_at_once <= 4  # two a host and sender
    finally:
        other.close()


def test_a_sender_that_is_killed_loses_nothing(make, receiver, place):
    """kill -9 while it waits for the answer: when the lease is over, another one sends it, with
    the same id."""
    system, deliveries = make()
    key = deliveries.add(receiver.on("/", webhooks.one_after_the_other(hang, answer(200))))
    wait_for(lambda: receiver.ids() == [key])
    system.brinco.kill()
    held = deliveries.get(key)
    assert held["state"] == "pending" and held["attempts"] == "1"
    assert 15000 < int(held["claimed_until"]) - now_ms() <= 21500
    other = another(system, place)
    try:
        wait_for(lambda: other.metrics().sum("brinco_webhooks_pending") == 1)
        assert receiver.ids() == [key]  # the lease holds
        deliveries.make_due(key)
        assert deliveries.wait(key, "delivered")["attempts"] == "2"
        assert receiver.ids() == [key, key]
    finally:
        other.close()


def test_an_outcome_is_written_once(make, receiver):
    """Somebody else delivers it while it hangs here: what comes of it here changes nothing."""
    system, deliveries = make()
    key = deliveries.add(receiver.on("/", hang))
    wait_for(lambda: receiver.ids() == [key])
    system.keys.hset(f"brinco:webhook:{key}", "state", "delivered")
    wait_for(lambda: system.brinco.metrics().sum("brinco_webhook_overtaken_total") == 1)
    assert deliveries.get(key)["state"] == "delivered" and "last_error" not in deliveries.get(key)
    assert_settled(system, key)
    assert system.brinco.metrics().sum("brinco_webhooks_total") == 0


def test_who_comes_back_too_late_leaves_it_to_the_others(make, receiver):
    """Its lease is over and another attempt has begun: the backoff is that one's."""
    system, deliveries = make()
    key = deliveries.add(receiver.on("/", hang))
    wait_for(lambda: receiver.ids() == [key])
    system.keys.hset(f"brinco:webhook:{key}", "attempts", 7)
    due_at = deliveries.due_at(key)
    wait_for(lambda: system.brinco.metrics().sum("brinco_webhook_overtaken_total") == 1)
    assert deliveries.due_at(key) == due_at and deliveries.get(key)["state"] == "pending"


def test_stopping_waits_for_answers_and_gives_the_rest_back(make, receiver):
    system, deliveries = make(serve__drain_ms=1000, webhooks__timeout_ms=20000)
    slow = send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", b"\r\n", pause=0.4)
    key = deliveries.add(receiver.on("/slow", slow))
    stuck = deliveries.add(receiver.on("/stuck", hang))
    wait_for(lambda: len(receiver.ids()) == 2)
    system.brinco.stop()
    assert deliveries.get(key)["state"] == "delivered"
    left = deliveries.get(stuck)
    assert left["state"] == "pending" and "stopped" in left["last_error"]
    assert deliveries.due_at(stuck) <= now_ms() and "claimed_until" not in left


FORBIDDEN = ["https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://[::1]:{port}/",
             "https://[::ffff:127.0.0.1]:{port}/", "https://2130706433:{port}/",
             "https://0x7f.1:{port}/", "https://127.1:{port}/", "https://0.0.0.0:{port}/",
             "https://[64:ff9b::7f00:1]:{port}/", "http://127.0.0.1:{port}/",
             "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "https://[fe80::1]/",
             "http://www.example.com/", "ftp://127.0.0.1:{port}/", "file:///etc/passwd",
             "gopher://127.0.0.1:{port}/_x", "https://user:password@127.0.0.1:{port}/", "https://",
             "/etc/passwd", "https://127.0.0.1:{port}/\r\nX-Evil: 1", "dict://127.0.0.1:{port}/x"]


def test_nothing_inside_is_reached_that_is_not_listed(make, receiver):
    system, deliveries = make(webhooks__allowed_hosts="intern.example.mx *.example.net")
    keys = [deliveries.add(url.format(port=receiver.port)) for url in FORBIDDEN]
    for key, url in zip(keys, FORBIDDEN):
        tried = deliveries.wait_tried(key)
        assert tried["state"] == "pending", url
        assert any(text in tried["last_error"] for text in (
            "is not a public one", "http is for hosts of", "no https URL")), (url, tried)
    assert attempts(system.brinco, "forbidden") == len(FORBIDDEN)
    assert receiver.connections == 0


def test_the_environments_proxy_is_not_used(make, receiver):
    """Nor anything else of the environment."""
    proxy = Receiver()
    try:
        system, deliveries = make(start=False)
        system.brinco.environment = {**system.brinco.environment, "http_proxy": proxy.url(),
                                     "https_proxy": proxy.url(), "ALL_PROXY": proxy.url()}
        system.brinco.start(wait=False).ready()
        deliveries.wait(deliveries.add(receiver.url("/")), "delivered")
        assert proxy.connections == 0
    finally:
        proxy.close()


def test_https_is_checked_against_certificates(make, place):
    context, pem = webhooks.certificate(place)
    receiver = Receiver(tls=context)
    try:
        _, trusting = make(webhooks__ca_file=pem)
        trusting.wait(trusting.add(receiver.url("/")), "delivered")
        system, doubting = make()
        tried = doubting.wait_tried(doubting.add(receiver.url("/doubted")))
        assert "certificate" in tried["last_error"]
        assert attempts(system.brinco, "tls") == 1
        assert receiver.ids("/doubted") == []
    finally:
        receiver.close()


def test_a_host_that_hangs_does_not_hold_up_another(make, receiver):
    """Though so many wait for it that a look at the list sees no others."""
    stuck = Receiver()
    try:
        system, deliveries = make(webhooks__timeout_ms=20000, serve__drain_ms=0)
        began = now_ms() - 3600 * 1000
        url = stuck.on("/", hang)
        for n in range(1300):
            deliveries.add(url, created_at=began + n)
        wait_for(lambda: len(stuck.ids()) == 2)
        good = [deliveries.add(receiver.url("/")) for _ in range(20)]
        for key in good:
            deliveries.wait(key, "delivered")
        assert stuck.most_at_once == 2 and len(stuck.ids()) == 2
        metrics = system.brinco.metrics()
        assert metrics.sum("brinco_webhook_limit_reached_total", limit="host") > 0
        assert metrics.sum("brinco_webhooks_oldest_pending_seconds") > 3590
    finally:
        stuck.close()


def test_sixteen_are_on_their_way_at_once(make):
    receivers = [Receiver() for _ in range(10)]
    try:
        system, deliveries = make(webhooks__timeout_ms=20000, serve__drain_ms=0)
        for one in receivers:
            for _ in range(2):
                deliveries.add(one.on("/", hang))
        def sent():
            return sum(len(one.ids()) for one in receivers)
        wait_for(lambda: sent() == 16)
        wait_for(lambda: system.brinco.metrics().sum("brinco_webhook_limit_reached_total",
                                                     limit="at_once") > 0)
        assert sent() == 16 and system.brinco.metrics().sum("brinco_webhooks_pending") == 20
    finally:
        for one in receivers:
            one.close()


def test_nonsense_in_redis_is_put_aside(make, receiver):
    system, deliveries = make(start=False)
    good, url = deliveries.add(receiver.url("/")), receiver.url("/")
    hopeless = [deliveries.add(url, body="x" * (64 * 1024 + 1)), deliveries.add("h" * 3000),
                deliveries.add(url, attempts=100)]
    for field in ("url", "body"):
        hopeless.append(deliveries.add(url))
        system.keys.hdel(f"brinco:webhook:{hopeless[-1]}", field)
    system.keys.set("brinco:webhook:text", "x")
    system.keys.hset("brinco:webhook:odd", "state", "\x00\xff")
    system.keys.hset("brinco:webhook:a\r\nb", mapping={"state": "pending", "url": url, "body": "x"})
    strays = ["text", "odd", "a\r\nb", "gone", "", "i" * 5000]
    system.keys.zadd("brinco:webhooks:due", {name: 1 for name in strays})
    system.keys.zadd("brinco:webhooks:due", {"inf": "-inf"})
    odd = deliveries.add(url, created_at=now_ms(), retried_at="nan", retried_attempts="-1",
                         claimed_until="x")
    system.keys.hset(f"brinco:webhook:{odd}", mapping={"attempts": "inf", "created_at": "1e999"})
    system.brinco.start(wait=False).ready()
    deliveries.wait(good, "delivered")
    assert deliveries.wait(odd, "delivered")["attempts"] == "1"
    for key in hopeless:
        assert deliveries.wait(key, "failed")["last_error"], key
    assert "too large" in deliveries.get(hopeless[0])["last_error"]
    wait_for(lambda: system.keys.zcard("brinco:webhooks:due") == 0)
    metrics = system.brinco.metrics()
    assert metrics.sum("brinco_webhook_stray_total") == len(strays) + 1
    assert metrics.sum("brinco_webhook_hopeless_total") == len(hopeless)
    assert sorted(receiver.ids()) == sorted([good, odd])


def test_without_a_secret_nothing_is_sent_until_it_is_there(make, receiver):
    """Only edges and the admin side make one."""
    system, deliveries = make(start=False, secret=False, serve__roles="collector")
    key = deliveries.add(receiver.url("/"))
    system.brinco.start(wait=False)
    wait_for(lambda: "webhook_no_secret" in system.brinco.log())
    assert receiver.connections == 0 and deliveries.get(key)["attempts"] == "0"
    put_secret(system.brinco)
    deliveries.wait(key, "delivered")
    assert webhooks.is_signed(receiver.requests[0], webhooks.campaign_key(SECRET, "spring"))


def test_a_conversion_reaches_the_backend_once(make_system, receiver):
    """From the tap to the webhook; reported twice, told once."""
    system = make_system(**{**LOCAL, "serve__roles": "edge collector api"})
    system.campaign("spring", webhook=receiver.url("/brinco"))
    token = tokens.token_of(system.tap("AB12CD").location)
    api = Api(system, "events")
    report = json.dumps({"click": token, "code": "AB12CD", "event": "first_loan", "value": 150000,
                         "currency": "MXN"})
    for _ in range(2):
        status, _, body = api.ask("POST", "/v1/conversions", report,
                                  {"Content-Type": "application/json"})
        assert status == 202, body
    wait_for(lambda: system.keys.xlen("brinco:judged") == 2)
    wait_for(lambda: system.keys.zcard("brinco:webhooks:due") == 0)
    request, = receiver.requests
    told = json.loads(request.body)
    assert told["id"] == request.id and told["event"] == "first_loan"
    assert told["status"] == "verified" and told["owner"] == "ana" and told["value"] == 150000
    outcome = system.brinco.cli("webhook", "secret", "spring")
    key = base64.b64decode(outcome.stdout.strip().removeprefix("whsec_"))
    assert webhooks.is_signed(request, key)
    listed, = (json.loads(line) for line in
               system.brinco.cli("webhook", "list", "--json").stdout.splitlines())
    assert listed["id"] == request.id and listed["state"] == "delivered"


def test_an_outcome_waits_for_redis(make, receiver):
    """It goes away while the receiver thinks, and comes back: sent once, and delivered."""
    system, deliveries = make(webhooks__timeout_ms=20000)
    key = deliveries.add(receiver.on("/", send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", b"\r\n",
                                               pause=0.3)))
    wait_for(lambda: receiver.ids() == [key])
    system.redis.kill()
    wait_for(lambda: "webhook_redis_lost" in system.brinco.log())
    system.redis.start()
    assert deliveries.wait(key, "delivered")["attempts"] == "1"
    assert receiver.ids() == [key]
    assert system.brinco.metrics().sum("brinco_webhook_redis_unreachable_total") > 0


def test_a_redis_that_refuses_is_said_and_borne(make, receiver):
    system, deliveries = make()
    system.keys.set("brinco:webhooks:due", "no list")
    wait_for(lambda: "webhook_redis_refused" in system.brinco.log())
    system.keys.delete("brinco:webhooks:due")
    deliveries.wait(deliveries.add(receiver.url("/")), "delivered")
    assert system.brinco.metrics().sum("brinco_webhook_redis_refused_total") > 0


def test_the_list_of_all_forgets_what_is_gone(make, receiver):
    system, deliveries = make(start=False)
    week_ago = now_ms() - 8 * DAY_S * 1000
    system.keys.zadd("brinco:webhooks:all", {f"gone{n}": week_ago + n for n in range(1200)})
    kept = deliveries.add(receiver.url("/"), created_at=week_ago, state="failed")
    young = deliveries.add(receiver.url("/"), state="failed")
    system.keys.zadd("brinco:webhooks:all", {"young": now_ms()})
    system.brinco.start(wait=False).ready()
    wait_for(lambda: system.keys.zcard("brinco:webhooks:all") == 3)
    assert set(system.keys.zrange("brinco:webhooks:all", 0, -1)) == {kept, young, "young"}
