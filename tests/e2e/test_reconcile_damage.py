"""`brinco reconcile`: damage done by hand is found, and its place is named."""

import pytest

from harness import journal
from harness.load import Load
from harness.reconcile import (CELL, Outcome, assert_holds, counted_system, is_counted, settle,
                               stream_of, the_only, today)
from harness.wait import wait_for


@pytest.fixture(name="system")
def a_system_with_counts(make_system):
    return counted_system(make_system)


# --- damage by hand: streams ---------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_deleted_entry_is_named_and_where_it_still_is(system, place):
    stream = stream_of(system)
    entry = system.keys.xrange(stream)[place][0]
    system.keys.xdel(stream, entry)
    finding = the_only(Outcome(system), "entry_deleted")
    assert (finding["key"], finding["field"], finding["count"]) == (stream, entry, 1)
    assert "00000001.log" in finding["text"]


def test_a_run_of_deleted_entries_is_one_finding(system):
    stream = stream_of(system)
    entries = [entry for entry, _ in system.keys.xrange(stream)]
    system.keys.xdel(stream, *entries[5:12])
    finding = the_only(Outcome(system), "entry_deleted")
    assert finding["count"] == 7
    assert f"{entries[5]} to {entries[11]}" in finding["text"]


def test_an_entry_that_was_deleted_before_it_was_counted(make_system):
    system = make_system(serve__roles="edge api", edge__workers=1)
    for _ in range(5):
        system.tap("AB12CD")
    system.wait_shipped()
    stream = stream_of(system)
    entry = system.keys.xrange(stream)[2][0]
    system.keys.xdel(stream, entry)
    system.brinco.stop()
    system.brinco.options["serve.roles"] = "collector"
    system.brinco.start(wait=False)
    wait_for(lambda: is_counted(system))
    outcome = Outcome(system)
    assert outcome.json["counted"] == 4
    assert "entry_deleted" in outcome.whats() and "cell_differs" not in outcome.whats()
    assert [finding["field"] for finding in outcome.blamed()
            if finding["what"] == "entry_deleted"] == [entry]


@pytest.mark.parametrize("fields", [{"hello": "world"}, None], ids=["nonsense", "a copy"])
def test_an_entry_of_a_stranger_is_named(system, fields):
    stream = stream_of(system)
    if fields is None:
        fields = system.keys.xrange(stream, count=1)[0][1]
    entry = system.keys.xadd(stream, fields)
    outcome = Outcome(system)
    finding = the_only(outcome, "entry_of_stranger")
    assert (finding["key"], finding["field"]) == (stream, entry)
    system.brinco.options["serve.roles"] = "collector"
    system.brinco.start(wait=False)
    wait_for(lambda: is_counted(system))
    finding = the_only(Outcome(system), "entry_of_stranger")  # counted, it is still one
    assert finding["field"] == entry


def test_a_deleted_stream_is_said(system):
    system.keys.delete(stream_of(system))
    outcome = Outcome(system)
    assert outcome.status == 1
    assert "stream_gone" in outcome.whats()


# --- damage by hand: rollups ---------------------------------------------------------------------


def cells_of(system, key):
    fields = [field for field in system.keys.hkeys(key) if field[0] not in "@="]
    return {field: int(system.keys.hget(key, field)) for field in fields}


@pytest.mark.parametrize("name", ["stats:all:{}", "stats:all:{}:h", "stats:campaign:spring:{}",
                                  "stats:campaign:spring:{}:h", "stats:link:AB12CD:{}"])
def test_a_cell_that_was_changed_is_named(system, name):
    name = name.format(today())
    key = f"brinco:{name}"
    field, value = sorted(cells_of(system, key).items())[0]
    for damage in (lambda: system.keys.hincrby(key, field, 1),
                   lambda: system.keys.hset(key, field, value - 1),
                   lambda: system.keys.hdel(key, field)):
        damage()
        finding = the_only(Outcome(system), "cell_differs")
        assert (finding["key"], finding["field"]) == (name, field)
        system.keys.hset(key, field, value)
    assert_holds(Outcome(system))


def test_a_cell_that_was_made_up_is_named(system):
    name = f"stats:link:AB12CD:{today()}"
    field = f"b010XX{CELL}"
    system.keys.hset(f"brinco:{name}", field, 3)
    finding = the_only(Outcome(system), "cell_differs")
    assert (finding["key"], finding["field"], finding["count"]) == (name, field, 3)


@pytest.mark.parametrize("name, field", [
    ("stats:index:{}", "spring\t0"), ("stats:index:{}", "\t0"),
    ("stats:link:AB12CD:{}", "=spring"), ("stats:link:AUTUMN1:{}", "=autumn")])
def test_a_number_of_another_kind_is_named(system, name, field):
    name = name.format(today())
    key = f"brinco:{name}"
    value = system.keys.hget(key, field)
    for damage in (lambda: system.keys.hincrby(key, field, 5),
                   lambda: system.keys.hdel(key, field)):
        damage()
        finding = the_only(Outcome(system), "field_differs")
        assert (finding["key"], finding["field"]) == (name, field)
        system.keys.hset(key, field, value)
    system.keys.hset(key, field, "many")
    assert "field_bad" in Outcome(system).whats()


def test_the_visitors_of_a_link_may_not_vanish(system):
    name = f"stats:link:AB12CD:{today()}"
    system.keys.hdel(f"brinco:{name}", "@")
    finding = the_only(Outcome(system), "field_differs")
    assert (finding["key"], finding["field"]) == (name, "@")


@pytest.mark.parametrize("name, member", [
    ("top:all:{}", "AB12CD\tspring"), ("top:campaign:spring:{}", "AB12CD")])
def test_a_rank_that_was_changed_is_named(system, name, member):
    name = name.format(today())
    key = f"brinco:{name}"
    score = system.keys.zscore(key, member)
    system.keys.zincrby(key, 1, member)
    finding = the_only(Outcome(system), "field_differs")
    assert (finding["key"], finding["field"]) == (name, member)
    system.keys.zrem(key, member)
    finding = the_only(Outcome(system), "key_differs")
    assert finding["key"] == name
    system.keys.zadd(key, {member: score, "NOBODY": 4})
    finding = the_only(Outcome(system), "field_differs")
    assert finding["field"] == "NOBODY"


def test_every_key_of_a_day_is_missed_when_it_is_deleted(system):
    keys = [key for key in system.keys.keys(f"brinco:*{today()}*")]
    assert len(keys) >= 16
    for key in keys:
        kept = system.keys.dump(key)
        assert kept is not None or system.keys.type(key)
        raw = system.redis.client.execute_command("DUMP", key, NEVER_DECODE=True)
        system.keys.delete(key)
        outcome = Outcome(system)
        assert outcome.status == 1, key
        name = key.removeprefix("brinco:")
        assert any(finding["key"] and name.startswith(finding["key"])
                   for finding in outcome.blamed()), (key, outcome)
        system.redis.client.restore(key, 0, raw)
    assert_holds(Outcome(system))


def test_a_key_that_nobody_counted_is_named(system):
    for name in (f"stats:link:GHOST:{today()}", f"stats:campaign:ghost:{today()}"):
        field = f"{'a' if 'link' in name else '-'}000{CELL}"
        system.keys.hset(f"brinco:{name}", field, 2)
        outcome = Outcome(system)
        assert [finding["key"] for finding in outcome.blamed()] == [name], outcome
        system.keys.delete(f"brinco:{name}")


def test_what_is_no_hash_is_named(system):
    name = f"stats:all:{today()}"
    system.keys.delete(f"brinco:{name}")
    system.keys.set(f"brinco:{name}", "nonsense")
    outcome = Outcome(system)
    assert name in [finding["key"] for finding in outcome.blamed()]


def test_counters_and_marks(system):
    stream = stream_of(system)
    day = f"brinco:stats:streams:{today()}"
    system.keys.hincrby(day, stream, 2)
    assert the_only(Outcome(system), "counted_differs")["field"] == stream
    system.keys.hincrby(day, stream, -2)
    system.keys.hincrby("brinco:stats:total", stream, 2)
    finding = the_only(Outcome(system), "total_differs")
    assert (finding["key"], finding["field"]) == ("stats:total", stream)
    system.keys.hincrby("brinco:stats:total", stream, -2)
    mark = system.keys.hget("brinco:mark", stream)
    system.keys.hdel("brinco:mark", stream)
    finding = the_only(Outcome(system), "mark_gone")
    assert (finding["key"], finding["field"]) == ("mark", stream)
    system.keys.hset("brinco:mark", stream, "9999999999999-1")
    assert "mark_beyond" in Outcome(system).whats()
    system.keys.hset("brinco:mark", stream, system.keys.xrange(stream)[30][0])
    assert "counted_differs" in Outcome(system).whats()
    system.keys.hset("brinco:mark", stream, mark)
    zone = system.keys.get("brinco:stats:zone")
    system.keys.delete("brinco:stats:zone")
    the_only(Outcome(system), "zone_gone")
    system.keys.set("brinco:stats:zone", zone)
    system.keys.srem("brinco:streams", stream)
    the_only(Outcome(system), "stream_not_announced")
    system.keys.sadd("brinco:streams", stream)
    assert_holds(Outcome(system))


def test_what_was_counted_twice_is_found(system):
    """Without mark and total, a collector takes all that the stream has for new."""
    system.keys.hdel("brinco:mark", stream_of(system))
    system.keys.hdel("brinco:stats:total", stream_of(system))
    system.brinco.start().ready()
    wait_for(lambda: is_counted(system))
    outcome = Outcome(system)
    assert {"counted_differs", "cell_differs", "field_differs"} <= set(outcome.whats())
    assert outcome.json["counted"] == 80 and outcome.json["queued"] == 40


# --- damage by hand: journals --------------------------------------------------------------------


def fill_segments(system, count=2):
    """So many segments of a worker that are over, all shipped and counted."""
    directory = system.brinco.data / "journal/00"
    system.brinco.start().ready()

    def are_over():
        begun = sum(1 for path in directory.glob("*.log") if path.stat().st_size >= 4096 and
                    int.from_bytes(path.open("rb").read(24)[16:24], "little") > 0)
        return begun > count

    with Load(system.brinco.port, [f"CODE{'X' * 50}{n}" for n in range(3)], pause=0,
              keep_alive=1000):
        wait_for(are_over, seconds=60)
    settle(system)
    system.brinco.stop()
    return directory


def test_a_removed_segment_is_named(system):
    directory = fill_segments(system)
    lost = journal.Segment(directory / "00000002.log").records()
    (directory / "00000002.log").unlink()
    finding = the_only(Outcome(system), "record_missing")
    assert finding["count"] == len(lost)
    assert "00000002.log is gone" in finding["text"]
    assert finding["field"].endswith(f"-{lost[0].sequence}")


def test_the_first_and_the_last_segment_are_missed_as_well(system):
    directory = fill_segments(system)
    kept = (directory / "00000001.log").read_bytes()
    (directory / "00000001.log").unlink()
    assert "00000001.log" in the_only(Outcome(system), "record_missing")["text"]
    (directory / "00000001.log").write_bytes(kept)
    last = [segment for segment in journal.segments(directory) if segment.records()][-1]
    for path in directory.glob("*.log"):
        if path >= last.path:
            path.unlink()
    finding = the_only(Outcome(system), "record_missing")
    assert finding["count"] == len(last.records())


def test_a_truncated_segment_is_named(system):
    directory = fill_segments(system)
    segment = journal.Segment(directory / "00000002.log")
    records = segment.records()
    with open(segment.path, "r+b") as file:
        file.truncate(records[100].offset)
    outcome = Outcome(system)
    assert outcome.status == 1
    missing = [finding for finding in outcome.blamed() if finding["what"] == "record_missing"]
    assert [finding["count"] for finding in missing] == [len(records) - 100], outcome
    assert "00000002.log" in missing[0]["text"]


def test_a_flipped_bit_is_named(system):
    directory = system.brinco.data / "journal/00"
    path = directory / "00000001.log"
    record = journal.Segment(path).records()[7]
    data = bytearray(path.read_bytes())
    data[record.offset + 30] ^= 1
    path.write_bytes(data)
    outcome = Outcome(system)
    assert outcome.whats() == ["journal_damaged", "record_missing"]
    damaged = next(f for f in outcome.blamed() if f["what"] == "journal_damaged")
    assert (damaged["key"], damaged["field"]) == (str(path), str(record.offset))


def test_a_deleted_journal_is_booked_at_the_next_start(system):
    directory = system.brinco.data / "journal/00"
    for path in directory.glob("*.log"):
        path.unlink()
    system.brinco.start().ready()
    system.tap("AB12CD")  # under a number that the stream has already
    wait_for(lambda: system.keys.hget("brinco:stats:total", stream_of(system)) == "41")
    outcome = Outcome(system)
    finding = the_only(outcome, "record_missing")
    assert finding["count"] == 40
    assert outcome.json["answered"] == 41 and outcome.json["counted"] == 41


def test_a_damaged_tally_is_named(system):
    path = system.brinco.data / "journal/00/tally"
    data = bytearray(path.read_bytes())
    data[4096 + 128 + 40] ^= 4
    path.write_bytes(data)
    outcome = Outcome(system)
    assert outcome.whats() == ["tally_damaged"]
    assert str(path) in outcome.text
