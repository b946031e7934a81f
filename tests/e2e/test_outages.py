"""Redis dies, comes back older or empty, or freezes, while people tap: everybody is answered, and
in the end every answered click is in the stream exactly once."""

import time

import pytest

from harness import clicks
from harness.load import Load
from harness.wait import wait_for

# A look-up may take this long before it falls back; the rest of a slow answer is the machine's.
TIMEOUT_MS = 100
SECONDS_MAX = 5.0


@pytest.fixture
def system(make_system):
    made = make_system(redis__timeout_ms=TIMEOUT_MS, edge__default_campaign="spring")
    for number in range(20):
        made.link(f"code-{number}")
    return made


def load_on(system):
    return Load(system.brinco.port, [f"code-{number}" for number in range(20)])


def go_on(load, taps=150):
    """Until that many more taps were answered."""
    target = load.count() + taps
    wait_for(lambda: load.count() >= target, 60, "taps are answered")


def assert_nothing_is_lost(system, load):
    """Not a single error, and each answer in the stream once."""
    assert load.refused == []
    assert load.broken == []
    assert load.statuses() == {302}
    assert load.slowest() < SECONDS_MAX
    ids = load.ids()
    assert len(ids) == len(load.answers)
    system.wait_shipped()
    entries = system.clicks()
    clicks.assert_all_counted_once(entries, ids)
    assert len(entries) == len(ids)
    assert system.brinco.metrics().sum("brinco_clicks_lost_total") == 0


@pytest.mark.short
def test_redis_is_killed_and_comes_back(system):
    with load_on(system) as load:
        go_on(load)
        for _ in range(3):
            system.redis.kill()
            go_on(load)
            system.redis.start()
            go_on(load)
    assert_nothing_is_lost(system, load)


def test_a_start_without_redis_sends_people_where_the_default_campaign_led_last(system):
    """The campaign stands in Redis; its last good state is kept in data.dir, too."""
    system.tap("AB12CD")
    wait_for((system.brinco.data / "default-campaign").exists, what="a copy of the campaign")
    system.brinco.stop()
    system.redis.kill()
    system.brinco.start()
    wait_for(lambda: system.tap("NEVER1").status == 302, what="taps are answered")
    reply = system.tap("NEVER2")
    assert (reply.status, reply.location.split("?")[0]) == (
        302, "https://play.google.com/store/apps/details")
    system.redis.start()
    assert system.click_of(reply)["outcome"] == "unresolved"


def test_redis_comes_back_empty(system):
    """The journals still hold what the streams have lost, and the default campaign is kept."""
    with load_on(system) as load:
        go_on(load)
        system.wait_shipped()
        system.redis.kill()
        system.redis.forget()
        go_on(load)
        system.redis.start()
        go_on(load, 300)
    assert_nothing_is_lost(system, load)


def test_redis_comes_back_without_what_it_wrote_last(system):
    """As after a failover, or a power cut with appendfsync everysec."""
    with load_on(system) as load:
        for _ in range(2):
            go_on(load)
            system.redis.snapshot()
            before = len(system.clicks())
            go_on(load, 300)
            wait_for(lambda b=before: len(system.clicks()) >= b + 200)
            system.redis.kill()
            system.redis.restore()
            system.redis.start()
            go_on(load)
    assert_nothing_is_lost(system, load)


def test_redis_freezes_and_goes_on(system):
    """It still accepts connections, which is worse than being dead."""
    with load_on(system) as load:
        go_on(load)
        system.redis.freeze()
        began = time.monotonic()
        go_on(load, 300)
        time.sleep(max(0, began + 3 - time.monotonic()))
        system.redis.resume()
        go_on(load)
    assert_nothing_is_lost(system, load)


def test_a_frozen_redis_does_not_hold_up_those_who_tap_what_was_never_seen(system):
    """At first a look-up is waited for; once it is clear that Redis is away, nobody waits."""
    assert system.tap("code-0").status == 302
    system.redis.freeze()
    with Load(system.brinco.port, lambda n: f"unseen-{n}", threads=4) as load:
        time.sleep(2)
        settled = load.count()
        go_on(load, 200)
    system.redis.resume()
    late = sorted(answer.seconds for answer in load.answers[settled:])
    assert late[len(late) // 2] < TIMEOUT_MS / 1000
    assert load.slowest() < SECONDS_MAX
    assert load.statuses() == {302}
    assert system.counted(outcome="unresolved") >= 200
    system.wait_shipped()
    clicks.assert_all_counted_once(system.clicks(), load.ids())


def test_connections_to_redis_are_cut_again_and_again(system):
    with load_on(system) as load:
        for _ in range(30):
            go_on(load, 30)
            system.redis.drop_clients()
    assert_nothing_is_lost(system, load)


def test_redis_is_out_of_memory_for_a_while(system):
    """It answers, but takes no writes."""
    with load_on(system) as load:
        go_on(load)
        system.keys.config_set("maxmemory", "1")
        go_on(load)
        system.keys.config_set("maxmemory", "0")
        go_on(load)
    assert_nothing_is_lost(system, load)


def test_redis_was_never_there(make_system):
    """The server starts all the same, answers, keeps the clicks, and ships them later."""
    system = make_system(start=False, redis__timeout_ms=TIMEOUT_MS)
    system.redis.kill()
    system.brinco.start()
    assert [system.tap("AB12CD").status for _ in range(5)] == [503] * 5
    assert system.brinco.readyz()[0] == 503
    system.redis.start()
    system.brinco.ready()
    assert len(system.clicks_of("AB12CD", 5)) == 5
    wait_for(lambda: system.tap("AB12CD").status == 302, 5)


def test_readyz_says_what_is_down(system):
    system.redis.kill()
    wait_for(lambda: system.brinco.readyz()[0] == 503, 10)
    assert "redis" in system.brinco.readyz()[1].lower()
    system.redis.start()
    wait_for(lambda: system.brinco.readyz()[0] == 200, 10)
