"""The server is killed, or asked to stop, at the worst moments."""

import random
import time

import pytest

from harness import clicks, journal
from harness.brinco import Brinco
from harness.load import Load
from harness.wait import wait_for

ROUNDS = 20


def assert_answered_are_counted(system, ids):
    system.wait_shipped()
    entries = system.clicks()
    clicks.assert_all_counted_once(entries, ids)
    for stream in clicks.stream_names(system.keys):
        sequences = [entry.sequence for entry in entries if entry.stream == stream]
        assert sequences == list(range(1, len(sequences) + 1)), "restarts go on where it ended"


@pytest.mark.short
def test_kill_9_at_random_moments_loses_no_answered_click(make_system):
    system = make_system()
    moments = random.Random(2026)
    ids = []
    for _ in range(ROUNDS):
        with Load(system.brinco.port, ["AB12CD"], pause=0.0005) as load:
            wait_for(lambda load=load: load.count() > 0)
            time.sleep(moments.uniform(0, 0.25))
            system.brinco.kill()
        # Right after a start the code may have to be asked for, and Redis is not there yet.
        assert load.statuses() <= {302, 503}
        ids += load.ids()
        system.brinco.start()
    system.brinco.ready()
    assert_answered_are_counted(system, ids)


def test_kill_9_while_redis_is_away_loses_no_answered_click(make_system):
    system = make_system(redis__timeout_ms=100)
    ids = []
    for turn in range(6):
        with Load(system.brinco.port, ["AB12CD"], pause=0.0005) as load:
            wait_for(lambda load=load: load.count() > 100)
            if turn % 2 == 0:
                system.redis.kill()
            time.sleep(0.05)
            system.brinco.kill()
        ids += load.ids()
        if turn % 2 == 0:
            system.redis.start()
        system.brinco.start().ready()
    assert_answered_are_counted(system, ids)


@pytest.mark.short
def test_sigterm_under_load_loses_no_request(make_system):
    """Whoever got through to the server is answered; afterwards connections are refused."""
    for _ in range(5):
        system = make_system()
        with Load(system.brinco.port, ["AB12CD"], keep_alive=1, pause=0) as load:
            wait_for(lambda load=load: load.count() >= 200)
            system.brinco.stop()
            time.sleep(0.1)
        assert load.broken == []
        assert load.statuses() == {302}
        assert load.refused
        system.brinco.start().ready()
        assert_answered_are_counted(system, load.ids())


def test_sigterm_answers_what_was_sent_on_open_connections_and_closes_them(make_system):
    """A kept connection may be closed while its next request is on the way: that is what HTTP
    allows (RFC 9112 section 9.6), so only a first request may not be lost."""
    system = make_system()
    with Load(system.brinco.port, ["AB12CD"], keep_alive=10_000, threads=8) as load:
        wait_for(lambda: load.count() >= 200)
        system.brinco.stop()
        time.sleep(0.1)
    assert [turn for turn, _ in load.broken if turn == 0] == []
    system.brinco.start().ready()
    assert_answered_are_counted(system, load.ids())


def test_sigterm_ships_what_is_left_before_it_ends(make_system):
    system = make_system()
    with Load(system.brinco.port, ["AB12CD"]) as load:
        wait_for(lambda: load.count() >= 300)
    system.brinco.stop()
    clicks.assert_all_counted_once(system.clicks(), load.ids())


def test_sigterm_ends_in_time_although_redis_is_frozen(make_system):
    system = make_system(serve__drain_ms=500, redis__timeout_ms=200)
    assert system.tap("AB12CD").status == 302
    system.redis.freeze()
    with Load(system.brinco.port, ["AB12CD"]) as load:
        wait_for(lambda: load.count() >= 50)
    began = time.monotonic()
    system.brinco.stop()
    assert time.monotonic() - began < 8
    system.redis.resume()
    system.brinco.start().ready()
    assert_answered_are_counted(system, load.ids())


def test_sigint_ends_it_as_well(own):
    own.brinco.signal(2)
    assert own.brinco.process.wait(20) == 0
    own.brinco.process = None


def test_a_second_server_on_the_same_data_is_refused(own):
    other = Brinco(own.brinco.directory, own.redis.url)
    other.stderr = other.directory / "other.log"
    other.start(wait=False)
    assert other.process.wait(20) == 2
    other.process = None
    other.close()
    assert str(own.brinco.data) in other.log()
    assert own.tap("AB12CD").status == 302


def test_streams_of_workers_that_no_longer_exist_are_shipped_to_the_end(make_system):
    """Four workers write while Redis is away; one worker ships what all of them left."""
    system = make_system(edge__workers=4, redis__timeout_ms=100)
    with Load(system.brinco.port, ["AB12CD"], keep_alive=1, threads=8) as load:
        wait_for(lambda: load.count() > 0)
        system.redis.kill()
        wait_for(lambda: load.count() >= 500)
    system.brinco.kill()
    assert len({record.sequence for record in journal.records(system.brinco.data)}) > 1
    system.redis.start()
    system.brinco.options["edge.workers"] = 1
    system.brinco.start().ready()
    assert_answered_are_counted(system, load.ids())
    assert len(clicks.stream_names(system.keys)) == 4
