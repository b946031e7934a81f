"""`brinco webhook`: shown, tried again, and the secret that a receiver needs."""

import base64
import json

import pytest

from harness import webhooks
from harness.wait import wait_for
from harness.webhooks import Deliveries, Receiver, answer, hang, now_ms
from test_webhooks import LOCAL, SECRET, put_secret

MIXED = (("spring", "pending"), ("spring", "failed"), ("autumn", "failed"), ("spring", "delivered"),
         ("autumn", "delivered"))


@pytest.fixture
def system(make_system):
    """No server runs."""
    made = make_system(start=False, **LOCAL)
    put_secret(made.brinco)
    return made


@pytest.fixture
def deliveries(system):
    return Deliveries(system.keys)


def add_mixed(deliveries, times=1):
    """Of all kinds, a second apart; ids, the newest first."""
    began = now_ms() - 3600 * 1000
    keys = []
    for n in range(times * len(MIXED)):
        campaign, state = MIXED[n % len(MIXED)]
        keys.append(deliveries.add("https://hooks.example.mx/x", campaign=campaign, state=state,
                                   attempts=3, created_at=began + n * 1000, last_status="500",
                                   last_error="the status is 500",
                                   next_at=began if state == "pending" else None))
        if state != "pending":
            deliveries.keys.zrem("brinco:webhooks:due", keys[-1])
    return keys[::-1]


def listed(system, *options):
    outcome = system.brinco.cli("webhook", "list", "--json", *options)
    assert outcome.returncode == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_a_list_is_newest_first_and_can_be_narrowed(system, deliveries):
    keys = add_mixed(deliveries, times=60)
    assert [one["id"] for one in listed(system, "--limit", 1000)] == keys
    assert [one["id"] for one in listed(system)] == keys[:100]
    failed = listed(system, "--state", "failed", "--campaign", "spring", "--limit", 1000)
    assert len(failed) == 60
    assert {(one["state"], one["campaign"]) for one in failed} == {("failed", "spring")}
    assert failed[0]["attempts"] == 3 and failed[0]["last_status"] == 500
    assert failed[0]["next_at"] is None and failed[0]["created_at"].endswith("Z")
    assert failed[0]["url"] == "https://hooks.example.mx/x"
    assert listed(system, "--campaign", "winter") == []


def test_those_of_one_millisecond_are_all_listed_once(system, deliveries):
    at = now_ms()
    keys = {deliveries.add("https://a.mx/", created_at=at) for _ in range(350)}
    found = [one["id"] for one in listed(system, "--limit", 350)]
    assert set(found) == keys and len(found) == 350


def test_a_table_is_for_people(system, deliveries):
    keys = add_mixed(deliveries)
    text = system.brinco.cli("webhook", "list").stdout
    lines = text.splitlines()
    assert lines[0].split() == ["CREATED", "ID", "CAMPAIGN", "STATE", "ATTEMPTS", "NEXT", "ERROR"]
    assert [line.split()[1] for line in lines[1:]] == keys
    assert "the status is 500" in lines[1]


def test_what_others_wrote_reaches_no_terminal(system, deliveries):
    key = deliveries.add("https://a.mx/", campaign="\x1b[31mred\x07",
                         last_error="\x1b]0;x\x07" * 99)
    system.keys.hset(f"brinco:webhook:{key}", mapping={"attempts": "many", "next_at": "soon"})
    system.keys.zadd("brinco:webhooks:all", {"\x1b[2J": now_ms(), "gone": now_ms(), "x" * 999: 1})
    system.keys.set("brinco:webhook:text", "no hash")
    system.keys.zadd("brinco:webhooks:all", {"text": now_ms()})
    outcome = system.brinco.cli("webhook", "list")
    assert outcome.returncode == 0 and key in outcome.stdout and "\x1b" not in outcome.stdout
    assert len(outcome.stdout.splitlines()) == 2
    one, = listed(system)
    assert one["campaign"] == "\x1b[31mred\x07" and one["attempts"] is None
    system.keys.hset(f"brinco:webhook:{key}", "url", "\x01" * 100000)
    assert listed(system)[0]["url"] == "\x01" * 2048


def test_a_failed_one_gets_a_whole_day_again(system, deliveries):
    receiver = Receiver()
    try:
        began = now_ms() - 20 * 86400 * 1000
        key = deliveries.add(receiver.on("/", answer(500)), state="failed", attempts=12,
                             created_at=began)
        system.keys.expire(f"brinco:webhook:{key}", 1000)
        system.keys.zrem("brinco:webhooks:due", key)
        system.brinco.start(wait=False).ready()
        outcome = system.brinco.cli("webhook", "retry", key)
        assert outcome.returncode == 0 and key in outcome.stdout
        tried = deliveries.wait_tried(key, attempts=13)
        assert tried["state"] == "pending" and tried["created_at"] == str(began)
        assert 3900 <= deliveries.due_at(key) - int(tried["last_at"]) <= 8000  # the first step
        assert system.keys.ttl(f"brinco:webhook:{key}") == -1
        receiver.on("/", answer(200))
        outcome = system.brinco.cli("webhook", "retry", key)
        assert outcome.returncode == 0 and "was pending" in outcome.stdout
        assert deliveries.wait(key, "delivered")["attempts"] == "14"
        assert receiver.ids() == [key, key]
    finally:
        receiver.close()


def test_a_delivered_one_is_sent_again_only_when_that_is_meant(system, deliveries):
    receiver = Receiver()
    try:
        system.brinco.start(wait=False).ready()
        key = deliveries.add(receiver.url("/"))
        deliveries.wait(key, "delivered")
        outcome = system.brinco.cli("webhook", "retry", key, "nobody", "a b")
        assert outcome.returncode == 1 and outcome.stdout == ""
        assert "--again" in outcome.stderr and "nobody" in outcome.stderr
        assert deliveries.get(key)["state"] == "delivered"
        assert system.brinco.cli("webhook", "retry", "--again", key).returncode == 0
        wait_for(lambda: receiver.ids() == [key, key])
        assert deliveries.wait(key, "delivered")["attempts"] == "2"
    finally:
        receiver.close()


def test_one_on_its_way_is_left_alone(system, deliveries):
    receiver = Receiver()
    try:
        system.brinco.start("-o", "webhooks.timeout_ms=20000", "-o", "serve.drain_ms=0",
                            wait=False).ready()
        key = deliveries.add(receiver.on("/", hang))
        wait_for(lambda: receiver.ids() == [key])
        outcome = system.brinco.cli("webhook", "retry", key)
        assert outcome.returncode == 1 and "on its way" in outcome.stderr
        assert deliveries.due_at(key) > now_ms() + 10000
    finally:
        receiver.close()


def test_all_that_failed_are_retried(system, deliveries):
    add_mixed(deliveries, times=1100)
    outcome = system.brinco.cli("webhook", "retry", "--failed", "--campaign", "autumn")
    assert outcome.returncode == 0 and outcome.stdout.startswith("1100 failed webhooks are pending")
    assert len(listed(system, "--state", "failed", "--limit", 9999)) == 1100
    pending = listed(system, "--state", "pending", "--campaign", "autumn", "--limit", 9999)
    assert len(pending) == 1100 and all(one["retried_at"] for one in pending)
    assert system.keys.zcard("brinco:webhooks:due") == 2200
    assert system.brinco.cli("webhook", "retry", "--failed").stdout.startswith("1100 ")
    assert system.brinco.cli("webhook", "retry", "--failed").stdout.startswith("0 ")


def test_the_secret_is_what_signs(system, deliveries):
    outcome = system.brinco.cli("webhook", "secret", "spring")
    assert outcome.returncode == 0
    assert outcome.stdout.startswith("whsec_") and outcome.stdout.endswith("=\n")
    key = base64.b64decode(outcome.stdout.strip().removeprefix("whsec_"))
    assert key == webhooks.campaign_key(SECRET, "spring") and len(key) == 32
    system.campaign("autumn")
    other = system.brinco.cli("webhook", "secret", "autumn").stdout
    assert other.startswith("whsec_") and other != outcome.stdout
    receiver = Receiver()
    try:
        system.brinco.start(wait=False).ready()
        deliveries.wait(deliveries.add(receiver.url("/")), "delivered")
        assert webhooks.is_signed(receiver.requests[0], key)
    finally:
        receiver.close()


def test_there_is_no_secret_of_a_campaign_that_is_not_there(system):
    outcome = system.brinco.cli("webhook", "secret", "nosuch")
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert 'there is no campaign "nosuch"' in outcome.stderr


def test_a_list_says_when_there_are_more(system, deliveries):
    add_mixed(deliveries)
    for limit, is_cut in ((len(MIXED), False), (len(MIXED) - 1, True), (1, True)):
        for form in ([], ["--json"]):
            outcome = system.brinco.cli("webhook", "list", "--limit", limit, *form)
            assert outcome.returncode == 0
            assert ("There are more" in outcome.stderr) == is_cut, limit
    assert "more" not in system.brinco.cli("webhook", "list", "--campaign", "none").stderr


@pytest.mark.parametrize("words,why", [
    (["list", "--state", "lost"], "--state"), (["list", "--campaign", "a b"], "campaign"),
    (["list", "--limit", "0"], "--limit"), (["list", "--limit", "10001"], "--json has more"),
    (["retry"], "ids, or --failed"), (["retry", "--failed", "x"], "ids, or --failed"),
    (["retry", "--failed", "--again"], "--again"),
    (["retry", "x", "--campaign", "y"], "--campaign"),
    (["secret", "no/campaign"], "campaign"), (["secret"], "missing"), (["sing"], "no command")])
def test_what_makes_no_sense_is_refused(system, words, why):
    outcome = system.brinco.cli("webhook", *words)
    assert outcome.returncode == 2 and why in outcome.stderr and outcome.stdout == ""


def test_no_secret_and_no_redis_are_said(system):
    (system.brinco.data / "secret").chmod(0o644)
    outcome = system.brinco.cli("webhook", "secret", "spring")
    assert outcome.returncode == 2 and "chmod 600" in outcome.stderr
    (system.brinco.data / "secret").unlink()
    outcome = system.brinco.cli("webhook", "secret", "spring")
    assert outcome.returncode == 2 and "secret" in outcome.stderr and outcome.stdout == ""
    assert not (system.brinco.data / "secret").exists()
    put_secret(system.brinco)
    system.redis.kill()
    outcome = system.brinco.cli("webhook", "secret", "nosuch")  # nobody says that it is not there
    assert outcome.returncode == 0 and outcome.stdout.startswith("whsec_")
    assert "Redis" in outcome.stderr
    outcome = system.brinco.cli("webhook", "list")
    assert outcome.returncode == 2 and "Redis" in outcome.stderr
