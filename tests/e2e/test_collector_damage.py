"""What counting rests on is damaged by hand: nothing is counted twice, and somebody is told."""

import pytest

from harness.api import Api
from harness.brinco import Brinco
from harness.wait import wait_for

KINDS = ("clicks", "previews", "bots", "prefetches", "heads")
CLICK = {"id": "01HXXXXXXXXXXXXXXXXXXXXXXX", "at": "0", "code": "AB12CD", "campaign": "spring",
         "owner": "", "kind": "human", "outcome": "web", "country": "", "region": "",
         "platform": "other", "browser": "", "in_app": "", "language": "", "referrer": "",
         "source": "", "visitor": "0123456789abcdef", "version": "1"}


@pytest.fixture
def counting(make_system):
    system = make_system(serve__roles="edge collector api", edge__workers=1)
    system.api = Api(system)
    return system


def total(system):
    totals = system.api.stats("", interval="total")["totals"]
    return sum(totals[name] for name in KINDS)


def wait_counted(system, count):
    wait_for(lambda: total(system) == count, what=lambda: f"{total(system)} of {count} counted")


def stream_of(system):
    return next(iter(system.keys.smembers("brinco:streams")))


def says(brinco, text):
    """Whether /readyz is red and says so."""
    status, answer = brinco.readyz()
    return status == 503 and text in answer


def test_a_stream_whose_mark_is_gone_is_not_counted_twice(counting):
    for _ in range(20):
        counting.tap("AB12CD")
    wait_counted(counting, 20)
    mark = counting.keys.hget("brinco:mark", stream_of(counting))
    counting.keys.delete("brinco:mark")
    counting.tap("AB12CD")
    wait_for(lambda: says(counting.brinco, "its mark is gone"), what="it is said")
    assert total(counting) == 20
    counting.keys.hset("brinco:mark", stream_of(counting), mark)
    wait_counted(counting, 21)
    counting.brinco.ready()


def test_a_redis_that_takes_no_writes_is_found_out_while_there_is_nothing_to_count(make_system):
    system = make_system()
    collector = Brinco(system.brinco.directory.parent / "c", system.redis.url,
                       serve__roles="collector api")
    collector.start(wait=False)
    try:
        collector.ready()
        system.keys.replicaof("127.0.0.1", "1")
        wait_for(lambda: says(collector, "READONLY"), what=collector.readyz)
        system.keys.replicaof("NO", "ONE")
        collector.ready()
    finally:
        collector.close()


def test_an_entry_of_a_far_future_is_no_click(counting):
    counting.tap("AB12CD")
    wait_counted(counting, 1)
    counting.keys.sadd("brinco:streams", "brinco:clicks:odd:0")
    counting.keys.xadd("brinco:clicks:odd:0", CLICK, id="253402300799000-1")
    wait_for(lambda: counting.brinco.metrics().sum("brinco_collector_malformed_total") == 1)
    counted = counting.keys.hget("brinco:stats:total", "brinco:clicks:odd:0")
    assert counted == "1"
    assert total(counting) == 1
    assert counting.keys.keys("brinco:stats:*:9999*") == []


def test_a_name_that_cannot_be_a_stream_is_said(counting):
    counting.keys.sadd("brinco:streams", "x" * 600)
    wait_for(lambda: says(counting.brinco, "1 names in the set of streams are not counted"))
    assert counting.brinco.metrics().sum("brinco_collector_streams_left_out") == 1
    counting.keys.srem("brinco:streams", "x" * 600)
    counting.brinco.ready()


def test_a_stream_that_was_just_announced_is_not_let_go(make_system):
    system = make_system(start=False, serve__roles="edge collector api")
    system.keys.sadd("brinco:streams", "brinco:clicks:new:0")
    system.brinco.start().ready()
    wait_for(lambda: system.brinco.metrics().sum("brinco_collector_streams") >= 1)
    assert system.keys.sismember("brinco:streams", "brinco:clicks:new:0")
    assert "stream_let_go" not in system.brinco.log()


def test_a_backlog_holds_redis_for_moments_only(counting):
    """Taps have redis.timeout_ms, 50 by default, for a look-up."""
    stream = "brinco:clicks:many:0"
    pipe = counting.keys.pipeline(transaction=False)
    at_ms = 1_700_000_000_000
    for number in range(60_000):
        fields = {**CLICK, "code": f"C{number % 6000}", "source": f"s{number % 37}",
                  "visitor": f"{number:016x}"}
        pipe.xadd(stream, fields, id=f"{at_ms + number * 60}-{number + 1}")
        if number % 5000 == 4999:
            pipe.execute()
    counting.keys.config_resetstat()
    counting.keys.sadd("brinco:streams", stream)
    wait_for(lambda: counting.keys.hget("brinco:stats:total", stream) == "60000", seconds=60)
    calls = counting.keys.info("commandstats")["cmdstat_evalsha"]
    assert calls["usec_per_call"] < 20_000, calls
