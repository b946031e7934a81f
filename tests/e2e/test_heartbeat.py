"""What an edge says of its streams every second: how far they go, and whether it is still there."""

import time

import pytest

from harness.load import Load
from harness.wait import wait_for


def heard(system, worker=0):
    """(Unix ms, state) of a worker's stream; (0, "") when nothing was heard."""
    stream = f"brinco:clicks:{system.brinco.edge_id()}:{worker}"
    ms, _, state = (system.keys.hget("brinco:heard", stream) or "0 ").partition(" ")
    return int(ms), state


def now_ms():
    return time.time() * 1000


def wait_heard(system, state, since_ms=0):
    return wait_for(lambda: heard(system)[1] == state and heard(system)[0] >= since_ms
                    and heard(system)[0], what=lambda: f"{state}: {heard(system)}")


@pytest.mark.short
def test_an_idle_edge_is_heard_every_second(make_system):
    system = make_system(edge__workers=2)
    first = wait_heard(system, "up", now_ms() - 300)
    second = wait_heard(system, "up", first + 900)
    assert second - first < 2500 and second <= now_ms()
    assert heard(system, 1)[1] == "up"


def test_everything_up_to_then_is_in_the_stream(make_system):
    """Under load, each time is held against what the stream has later."""
    system = make_system(edge__workers=1)
    stream = f"brinco:clicks:{system.brinco.edge_id()}:0"
    with Load(system.brinco.port, ["AB12CD"], threads=4, pause=0) as load:
        wait_for(lambda: load.count() > 50)
        looks = []
        for _ in range(60):
            ms = heard(system)[0]
            newest = system.keys.xrevrange(stream, count=1)
            looks.append((ms, newest[0][0] if newest else "0-0"))
            time.sleep(0.05)
    system.wait_shipped()
    assert len({ms for ms, _ in looks}) > 2
    for ms, there in looks:
        later = system.keys.xrange(stream, min=f"({there}", max=str(ms), count=1) if ms else []
        assert later == [], f"{later} came after it was said that all up to {ms} was there"


def test_an_orderly_stop_is_told_from_a_kill(make_system):
    system = make_system(edge__workers=1)
    system.tap("AB12CD")
    wait_heard(system, "up", now_ms())
    system.brinco.kill()
    assert heard(system)[1] == "up"
    system.brinco.start().ready()
    wait_heard(system, "up", now_ms())
    stopped = now_ms()
    system.brinco.stop()
    assert heard(system)[1] == "closed" and heard(system)[0] >= stopped
    system.brinco.start().ready()
    wait_heard(system, "up")


def test_it_stops_while_clicks_wait_and_goes_on_after(make_system):
    system = make_system(edge__workers=1)
    wait_heard(system, "up", now_ms())
    system.redis.client.config_set("maxmemory", 1)
    before = now_ms()
    system.tap("AB12CD")
    time.sleep(1.5)
    assert heard(system)[0] < before + 100
    system.redis.client.config_set("maxmemory", 0)
    wait_heard(system, "up", now_ms())
    system.clicks_of("AB12CD")


def test_a_stream_that_was_let_go_of_is_announced_again(make_system):
    system = make_system(edge__workers=1)
    stream = f"brinco:clicks:{system.brinco.edge_id()}:0"
    wait_heard(system, "up")
    system.keys.srem("brinco:streams", stream)
    wait_for(lambda: system.keys.sismember("brinco:streams", stream))


def test_it_is_said_again_after_redis_was_away(make_system):
    system = make_system(edge__workers=1)
    wait_heard(system, "up")
    system.redis.kill()
    system.redis.forget()
    system.redis.start()
    wait_heard(system, "up", now_ms())
    system.tap("AB12CD")
    day = next(iter(wait_for(
        lambda: system.keys.hgetall(f"brinco:tally:{system.brinco.edge_id()}:0")).values()))
    assert day.split()[0] == "1"
