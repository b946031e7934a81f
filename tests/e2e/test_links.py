"""Links and campaigns as Redis has them: fetched once, fresh at once, harmless in all cases."""

import re
import statistics
import time

import pytest

from harness import agents, clicks
from harness.http import Connection, request
from harness.load import Load
from harness.wait import wait_for

SAFE = "https://www.example.mx/safe?code={code}"


def location_of(connection, code):
    return connection.ask(request(f"/{code}", agent=agents.ANDROID)).location


def connections_to_all_workers(system, count=24):
    """Kept connections; with so many of them, every worker has some (and the streams tell)."""
    system.link("who")
    connections = [Connection(system.brinco.port) for _ in range(count)]
    for connection in connections:
        connection.ask(request("/who", agent=agents.ANDROID))
    wait_for(lambda: len({c.stream for c in system.clicks() if c["code"] == "who"}) == 2,
             what="both workers have taken connections")
    return connections


@pytest.mark.short
def test_a_change_by_redis_cli_shows_in_every_worker_within_100_ms(own):
    """A machine that does other things may stop a thread for longer: the median must hold, and
    no change may take a second."""
    connections = connections_to_all_workers(own)
    own.link("fresh", url="https://www.example.mx/0")
    assert {location_of(c, "fresh") for c in connections} == {"https://www.example.mx/0"}
    seconds = []
    for number in range(1, 16):
        url = f"https://www.example.mx/{number}"
        own.keys.execute_command("HSET", "brinco:link:fresh", "url", url)
        began = time.monotonic()
        while any(location_of(c, "fresh") != url for c in connections):
            assert time.monotonic() - began < 1
        seconds.append(time.monotonic() - began)
    assert statistics.median(seconds) < 0.1, seconds


def test_a_change_to_a_campaign_shows_in_every_worker(own):
    connections = connections_to_all_workers(own)
    own.keys.hset("brinco:campaign:spring", "android", SAFE)
    wait_for(lambda: {location_of(c, "AB12CD") for c in connections}
             == {"https://www.example.mx/safe?code=AB12CD"}, 1)


@pytest.mark.parametrize("change", ["del", "flushall", "flushdb", "rename", "expire", "unlink"])
def test_a_link_that_goes_away_in_whatever_way_is_gone(make_system, change):
    system = make_system()
    system.link("GOING")
    assert {system.tap("GOING").status for _ in range(10)} == {302}
    if change == "rename":
        system.keys.rename("brinco:link:GOING", "brinco:link:WENT")
    elif change == "expire":
        system.keys.pexpire("brinco:link:GOING", 50)
    else:
        system.keys.execute_command(change, *(["brinco:link:GOING"] if "flush" not in change
                                              else []))
    wait_for(lambda: {system.tap("GOING").status for _ in range(10)} == {404}, 5)
    if change == "rename":
        assert system.tap("WENT").status == 302


def test_an_unknown_code_works_as_soon_as_it_is_created(own):
    connections = connections_to_all_workers(own)
    assert {location_of(c, "LATER") for c in connections} == {None}
    own.link("LATER")
    wait_for(lambda: all(location_of(c, "LATER") for c in connections), 1)


def test_unknown_codes_are_remembered(own):
    with Connection(own.brinco.port) as connection:
        location_of(connection, "NOBODY")
        before = own.redis.calls("hmget")
        for _ in range(100):
            assert location_of(connection, "NOBODY") is None
        assert own.redis.calls("hmget") == before


@pytest.mark.short
@pytest.mark.parametrize("code", ["known", "unknown"])
def test_a_thousand_first_taps_at_once_make_one_fetch(make_system, code):
    system = make_system(edge__workers=1, redis__timeout_ms=10000)
    system.link("known", url="https://www.example.mx/known")
    assert system.tap("AB12CD").status == 302
    crowd = [Connection(system.brinco.port) for _ in range(1000)]
    before = system.redis.calls("hmget")
    system.keys.execute_command("CLIENT", "PAUSE", "400", "ALL")
    for connection in crowd:
        connection.send(request(f"/{code}", agent=agents.ANDROID))
    answers = {(connection.read_reply().location) for connection in crowd}
    for connection in crowd:
        connection.close()
    assert answers == {"https://www.example.mx/known" if code == "known" else None}
    assert system.redis.calls("hmget") - before == 1
    assert system.brinco.metrics().sum("brinco_taps_waiting") == 0


def test_a_change_during_its_fetch_wins(own):
    """The fetch is answered with the old value and the change is announced right behind it."""
    with Connection(own.brinco.port) as connection:
        for number in range(200):
            code = f"race-{number}"
            own.link(code, url="https://www.example.mx/old")
            connection.send(request(f"/{code}", agent=agents.ANDROID))
            own.keys.hset(f"brinco:link:{code}", "url", "https://www.example.mx/new")
            connection.read_reply()
            wait_for(lambda c=code: location_of(connection, c) == "https://www.example.mx/new", 2,
                     f"{code} is new")


def tracking_clients(system):
    return [client["id"] for client in system.keys.client_list()
            if "t" in client["flags"] or int(client["sub"]) > 0]


def test_a_change_while_the_tracking_connection_is_lost_is_not_missed(own):
    connections = connections_to_all_workers(own)
    own.link("TRACK", url="https://www.example.mx/0")
    for number in range(1, 6):
        wait_for(lambda: len(tracking_clients(own)) == 3,
                 what="both workers, and the association files, listen for changes")
        assert all(location_of(c, "TRACK") for c in connections)
        url = f"https://www.example.mx/{number}"
        pipe = own.keys.pipeline(transaction=True)
        for client in tracking_clients(own):
            pipe.execute_command("CLIENT", "KILL", "ID", client)
        pipe.hset("brinco:link:TRACK", "url", url)
        pipe.execute()
        wait_for(lambda u=url: {location_of(c, "TRACK") for c in connections} == {u}, 3)


def test_a_pause_while_redis_is_out_of_reach_shows_when_it_is_back(make_system):
    system = make_system(redis__timeout_ms=100)
    connections = connections_to_all_workers(system)
    assert all(location_of(c, "AB12CD") for c in connections)
    system.redis.hide()
    system.keys.hset("brinco:link:AB12CD", "status", "paused")
    for _ in range(20):
        assert all(location_of(c, "AB12CD") for c in connections), "stale is fine"
        time.sleep(0.01)
    system.redis.show()
    wait_for(lambda: all(location_of(c, "AB12CD") is None for c in connections), 5)
    for connection in connections:
        assert connection.ask(request("/AB12CD", agent=agents.ANDROID)).status == 410


NONSENSE_TEMPLATES = {
    "no scheme": "www.example.mx/x",
    "not https": "http://www.example.mx/",
    "runs code": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "no host": "https:///x",
    "only a scheme": "https://",
    "relative": "//evil.example/",
    "line break": "https://www.example.mx/\r\nSet-Cookie: a=b",
    "line feed": "https://www.example.mx/\nX: y",
    "NUL": "https://www.example.mx/\0x",
    "control byte": "https://www.example.mx/\x01",
    "space": "https://www.example.mx/ x",
    "not ASCII": "https://www.example.mx/ñ",
    "backslash": "https:\\\\evil.example",
    "user information": "https://www.example.mx@evil.example/",
    "placeholder in the host": "https://{code}.example.mx/",
    "unknown placeholder": "https://www.example.mx/{secret}",
    "open brace": "https://www.example.mx/{code",
    "closing brace": "https://www.example.mx/}",
    "very long": "https://www.example.mx/" + "x" * 100_000,
    "unlisted scheme": "intent://x/#Intent;end",
}


@pytest.mark.parametrize("where", ["link url", "campaign android"])
@pytest.mark.parametrize("name", NONSENSE_TEMPLATES)
def test_nonsense_in_a_template_never_becomes_a_location(shared, where, name):
    template = NONSENSE_TEMPLATES[name]
    code = f"nt-{where[0]}-{list(NONSENSE_TEMPLATES).index(name)}"
    before = shared.brinco.metrics().sum("brinco_link_nonsense_total")
    if where == "link url":
        shared.campaign(code, android="https://www.example.mx/not-this", fallback=SAFE)
        shared.link(code, campaign=code, url=template)
    else:
        shared.campaign(code, android=template, ios=None, web=None, fallback=SAFE)
        shared.link(code, campaign=code)
    reply = shared.tap(code)
    assert (reply.status, reply.location) == (302, f"https://www.example.mx/safe?code={code}")
    assert {name.lower() for name, _ in reply.headers} <= {
        "location", "cache-control", "content-length", "date", "connection"}
    assert shared.brinco.metrics().sum("brinco_link_nonsense_total") > before


NONSENSE_FIELDS = {
    "text for a time": {"starts_at": "soon"},
    "negative time": {"expires_at": "-5"},
    "huge time": {"starts_at": "9" * 40},
    "fraction": {"starts_at": "1.5"},
    "unknown status": {"status": "maybe"},
    "long status": {"status": "x" * 50_000},
    "campaign with a space": {"campaign": "a b"},
    "long campaign": {"campaign": "c" * 65},
    "long owner": {"owner": "o" * 10_000},
    "control bytes in owner": {"owner": "ana\r\nX: y"},
    "not UTF-8": {"owner": b"\xff\xfe"},
    "no such campaign": {"campaign": "nowhere"},
    "nothing at all": {"campaign": None, "created_at": "5"},
}


@pytest.mark.parametrize("name", NONSENSE_FIELDS)
def test_nonsense_in_a_link_falls_back_and_is_counted(shared, name):
    """It leads to its campaign's fallback or is answered like an unknown code: no guess, no
    crash, and nothing of it in a header."""
    code = "nf-" + name.replace(" ", "-")
    shared.campaign("nf", fallback=SAFE)
    shared.link(code, **{"campaign": "nf", **NONSENSE_FIELDS[name]})
    before = shared.brinco.metrics().sum("brinco_link_nonsense_total")
    reply = shared.tap(code)
    assert reply.status in (302, 404)
    if reply.status == 302:
        assert reply.location == f"https://www.example.mx/safe?code={code}"
    assert {key.lower() for key, _ in reply.headers} <= {
        "location", "cache-control", "content-length", "content-type", "content-language", "vary",
        "content-security-policy", "referrer-policy", "x-content-type-options", "x-robots-tag",
        "date", "connection"}
    assert shared.brinco.metrics().sum("brinco_link_nonsense_total") > before


@pytest.mark.parametrize("kind", ["string", "list", "set", "stream"])
def test_keys_of_another_type_are_survived(shared, kind):
    def write(key):
        shared.keys.delete(key)
        {"string": lambda: shared.keys.set(key, "x"), "list": lambda: shared.keys.lpush(key, "x"),
         "set": lambda: shared.keys.sadd(key, "x"),
         "stream": lambda: shared.keys.xadd(key, {"a": "b"})}[kind]()

    write(f"brinco:link:type-{kind}")
    write(f"brinco:campaign:type-{kind}")
    shared.link(f"campaign-{kind}", campaign=f"type-{kind}")
    before = shared.brinco.metrics().sum("brinco_link_nonsense_total")
    assert shared.tap(f"type-{kind}").status == 404
    assert shared.tap(f"campaign-{kind}").status == 404
    assert shared.brinco.metrics().sum("brinco_link_nonsense_total") >= before + 2


def test_nonsense_is_logged_with_code_field_and_reason_once_a_minute(make_system):
    system = make_system(edge__workers=1)
    for _ in range(3):
        for number in range(20):
            system.link(f"log-{number}", starts_at="soon")
            system.tap(f"log-{number}")
    lines = [line for line in system.brinco.log().splitlines() if "event=link_nonsense" in line]
    assert [re.search("code=(\\S+) field=(\\S+) ", line).groups() for line in lines] == [
        (f"log-{number}", "starts_at") for number in range(20)]
    assert all("reason=" in line for line in lines)


def test_schemes_that_a_campaign_lists_are_allowed(shared):
    shared.campaign("app", android="exampleapp://open?c={code}", web=None, schemes="exampleapp",
                    fallback=SAFE)
    shared.link("APP", campaign="app")
    assert shared.tap("APP").location == "exampleapp://open?c=APP"
    shared.keys.hset("brinco:campaign:app", "schemes", "javascript otherapp")
    wait_for(lambda: shared.tap("APP").location == "https://www.example.mx/safe?code=APP", 2)


def test_owner_and_codes_are_encoded_in_a_location(shared):
    shared.link("ENC", owner="Ana & José/?#", url="https://www.example.mx/?o={owner}&c={code}")
    assert shared.tap("ENC").location == (
        "https://www.example.mx/?o=Ana%20%26%20Jos%C3%A9%2F%3F%23&c=ENC")


def test_the_cache_keeps_within_its_budget_and_answers_all_the_same(make_system):
    system = make_system(edge__workers=1, cache__max_mb=1)
    pipe = system.keys.pipeline(transaction=False)
    for number in range(30_000):
        pipe.hset(f"brinco:link:many-{number}",
                  mapping={"campaign": "spring", "owner": f"{number}" * 16})
    pipe.execute()
    with Load(system.brinco.port, lambda n: f"many-{n % 30_000}", pause=0, threads=4,
              keep_alive=1000) as load:
        wait_for(lambda: load.count() >= 12_000, 120)
    assert load.statuses() == {302}
    metrics = system.brinco.metrics()
    assert metrics.sum("brinco_link_cache_bytes") <= 1024 * 1024
    assert metrics.sum("brinco_link_cache_evictions_total") > 0
    system.wait_shipped()
    clicks.assert_all_counted_once(system.clicks(), load.ids())


def test_a_flood_of_unknown_codes_does_not_push_out_the_known(make_system):
    system = make_system(edge__workers=1, cache__max_mb=1)
    assert system.tap("AB12CD").status == 302
    with Load(system.brinco.port, lambda n: f"guess-{n}", pause=0, threads=4,
              keep_alive=1000) as load:
        wait_for(lambda: load.count() >= 8_000, 120)
    assert load.statuses() == {404}
    before = system.redis.calls("hmget")
    assert system.tap("AB12CD").status == 302
    assert system.redis.calls("hmget") == before
    metrics = system.brinco.metrics()
    assert metrics.sum("brinco_link_cache_negative_limit_total") > 0
    assert metrics.sum("brinco_link_cache_bytes") <= 1024 * 1024
