"""`brinco reconcile`: everything explained under load and kills; damage by hand found and named."""

import datetime
import json
import random
import re
import signal
import time
import zoneinfo

import pytest

from harness import agents, journal
from harness.brinco import Brinco, run
from harness.load import Load
from harness.wait import wait_for

ZONE = zoneinfo.ZoneInfo("America/Mexico_City")
ROLES = {"serve__roles": "edge api collector"}
CELL = "\t" * 6


def today():
    return datetime.datetime.now(ZONE).strftime("%Y%m%d")


class Outcome:
    """What it said, both ways."""

    def __init__(self, system, *words):
        text = system.brinco.cli("reconcile", *words)
        outcome = system.brinco.cli("reconcile", "--json", *words)
        assert text.returncode == outcome.returncode or not outcome.stdout
        self.status, self.stderr, self.text = outcome.returncode, outcome.stderr, text.stdout
        self.json = json.loads(outcome.stdout) if outcome.stdout else None

    def blamed(self):
        return [finding for finding in self.json["findings"] if not finding["explained"]]

    def whats(self):
        return sorted(finding["what"] for finding in self.blamed())

    def explained(self):
        return {finding["what"]: finding["count"] for finding in self.json["findings"]
                if finding["explained"]}

    def __repr__(self):
        return f"exit {self.status}\n{self.text}\n{self.stderr}"


def is_counted(system):
    marks = system.keys.hgetall("brinco:mark")
    for stream in system.keys.smembers("brinco:streams"):
        newest = system.keys.xrevrange(stream, count=1)
        if newest and marks.get(stream) != newest[0][0]:
            return False
    return True


def settle(system):
    system.wait_shipped()
    wait_for(lambda: is_counted(system), what="everything is counted")


def assert_holds(outcome):
    assert outcome.status == 0, outcome
    assert outcome.blamed() == [] and outcome.json["ok"] is True
    assert "!!" not in outcome.text


@pytest.fixture(name="system")
def a_system_with_counts(make_system):
    """Some taps of every kind, all counted; nothing runs any more but Redis."""
    system = make_system(**ROLES, edge__workers=1, journal__segment_mb=1)
    system.campaign("autumn")
    system.link("AUTUMN1", campaign="autumn")
    taps = [("AB12CD", agents.ANDROID), ("AB12CD", agents.IPHONE), ("AUTUMN1", agents.ANDROID),
            ("NOSUCH", agents.WINDOWS), ("AB12CD", agents.PREVIEWS["whatsapp"])]
    for _ in range(8):
        for code, agent in taps:
            system.tap(code, agent)
    settle(system)
    system.brinco.stop()
    assert_holds(Outcome(system))
    return system


def stream_of(system, worker=0):
    return f"brinco:clicks:{system.brinco.edge_id()}:{worker}"


def the_only(outcome, what):
    assert outcome.status == 1, outcome
    assert outcome.whats() == [what], outcome
    finding = outcome.blamed()[0]
    assert f"!! {finding['text']}" in outcome.text
    return finding


# --- what is explained ---------------------------------------------------------------------------


def test_every_number_is_accounted_for(system):
    outcome = Outcome(system)
    assert_holds(outcome)
    report = outcome.json
    for name in ("answered", "journaled", "queued", "counted", "rolled_up"):
        assert report[name] == 40, outcome
    assert report["recounted"] is True and report["timezone"] == str(ZONE)
    assert re.search(r"edge \S+:0 +answered +40 +journaled +40 +queued +40 +counted +40 +ok",
                     outcome.text)
    assert "Every number is accounted for." in outcome.text


def test_a_day_without_taps_holds(system):
    outcome = Outcome(system, "--day", "2026-01-02")
    assert_holds(outcome)
    assert outcome.json["answered"] == 0 and outcome.json["day"] == "2026-01-02"


@pytest.mark.short
def test_a_live_system_never_shows_a_false_difference(make_system):
    system = make_system(**ROLES)
    for n in range(30):
        system.link(f"CODE{n}")
    codes = [f"CODE{n}" for n in range(30)] + ["NOSUCH"]
    with Load(system.brinco.port, codes, threads=4, pause=0.0005) as load:
        wait_for(lambda: load.count() > 100)
        for _ in range(20):
            outcome = system.brinco.cli("reconcile")
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    settle(system)
    outcome = Outcome(system)
    assert_holds(outcome)
    assert outcome.json["answered"] >= load.count()


def test_a_difference_does_not_hide_behind_what_is_on_its_way(make_system):
    """Under the same load, one click more in the busiest number is found every time."""
    system = make_system(**ROLES)
    with Load(system.brinco.port, ["AB12CD"], threads=4, pause=0.0005) as load:
        wait_for(lambda: load.count() > 100)
        key = f"brinco:stats:link:AB12CD:{today()}"
        wait_for(lambda: system.keys.hget(key, "=spring"))
        system.keys.hincrby(key, "=spring", 1)
        for _ in range(5):
            outcome = system.brinco.cli("reconcile")
            assert outcome.returncode == 1, outcome.stdout
            assert f"stats:link:AB12CD:{today()}, field =spring" in outcome.stdout


def write_stream(keys, stream, count):
    """Clicks of an edge elsewhere, each of another link: batches that take many parts."""
    at, fields = int(time.time() * 1000), {}
    pipe = keys.pipeline(transaction=False)
    for n in range(1, count + 1):
        fields = {"id": f"01JD{n:022}", "at": at, "code": f"L{n % 40000:06}",
                  "campaign": f"c{n % 50}", "owner": "", "kind": "human", "outcome": "web",
                  "country": "MX", "region": "", "platform": "android", "browser": "chrome",
                  "in_app": "", "language": "es", "referrer": "", "source": "",
                  "visitor": f"{n:016x}", "version": "1"}
        pipe.xadd(stream, fields, id=f"{at}-{n}")
        if n % 5000 == 0:
            pipe.execute()
    pipe.sadd("brinco:streams", stream)
    pipe.execute()


def test_half_a_batch_is_no_difference(make_system):
    """The collector is held where it has written some parts of a batch."""
    system = make_system(serve__roles="edge api")
    write_stream(system.keys, "brinco:clicks:elsewhere:0", 80000)
    collector = Brinco(system.brinco.directory.parent / "c", system.redis.url,
                       serve__roles="collector")
    try:
        halves = 0
        collector.start(wait=False)
        while not is_counted(system):
            if system.keys.hlen("brinco:pending"):
                collector.signal(signal.SIGSTOP)
                halves += system.keys.hlen("brinco:pending")
                outcome = system.brinco.cli("reconcile")
                collector.signal(signal.SIGCONT)
                assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        assert halves > 0
        outcome = Outcome(system)
        assert_holds(outcome)
        assert outcome.json["rolled_up"] == 80000 and outcome.json["keys"] > 40000
    finally:
        collector.close()


def test_kill_9_under_load_leaves_everything_explained(make_system):
    system = make_system(**ROLES)
    moments = random.Random(3)
    answered = 0
    for _ in range(12):
        with Load(system.brinco.port, ["AB12CD"], pause=0.0005) as load:
            wait_for(lambda load=load: load.count() > 0)
            time.sleep(moments.uniform(0, 0.2))
            system.brinco.kill()
        answered += load.count()
        system.brinco.start()
    settle(system.brinco.ready() and system)
    outcome = Outcome(system)
    assert_holds(outcome)
    report = outcome.json
    recovered = sum(stream["recovered"] for stream in report["streams"])
    assert report["answered"] + recovered == report["counted"] == report["rolled_up"]
    assert report["answered"] + recovered >= answered


def test_what_waits_is_in_flight(make_system):
    system = make_system(**ROLES, edge__workers=1)
    system.tap("AB12CD")
    settle(system)
    system.brinco.stop()
    system.brinco.options["serve.roles"] = "edge api"
    system.brinco.start().ready()
    for _ in range(3):
        system.tap("AB12CD")
    system.wait_shipped()
    outcome = Outcome(system)
    assert_holds(outcome)
    assert outcome.explained() == {"uncounted": 3}
    assert (outcome.json["queued"], outcome.json["counted"]) == (4, 1)


def test_clicks_that_a_full_journal_lost_are_said(make_system):
    system = make_system(**ROLES, edge__workers=1, journal__segment_mb=1, journal__max_mb=4)
    system.redis.client.config_set("maxmemory", 1)
    with Load(system.brinco.port, ["AB12CD"], pause=0, threads=4) as load:
        wait_for(lambda: system.brinco.metrics().sum("brinco_clicks_lost_total") > 20, seconds=60)
    lost = system.brinco.metrics().sum("brinco_clicks_lost_total")
    assert load.count() > lost
    system.redis.client.config_set("maxmemory", 0)
    settle(system)
    outcome = Outcome(system)
    assert_holds(outcome)
    assert outcome.explained()["lost_full"] == lost
    assert outcome.json["answered"] == outcome.json["counted"] + lost


def test_an_edge_elsewhere_is_taken_at_its_word(system, tmp_path):
    """Its data directory is not at hand: its tally in Redis is, and the gap would show."""
    options = ["-o", f"redis.url={system.redis.url}", "-o", f"data.dir={tmp_path}"]
    outcome = run("reconcile", "--json", *options)
    assert outcome.returncode == 0, outcome.stdout
    report = json.loads(outcome.stdout)
    assert (report["answered"], report["queued"]) == (40, 40)
    assert [finding["what"] for finding in report["findings"]] == ["no_journal"]
    stream = stream_of(system)
    entry = system.keys.xrange(stream, count=3)[1][0]
    system.keys.xdel(stream, entry)
    outcome = run("reconcile", *options)
    assert outcome.returncode == 1
    assert "sequence 2" in outcome.stdout
    there = run("reconcile", "--json", *options, "--data", system.brinco.data)
    assert f'"field":"{entry}"' in there.stdout


def test_trimmed_entries_are_taken_from_the_journal(system):
    system.keys.xtrim(stream_of(system), maxlen=10, approximate=False)
    words = ("-o", "queue.retain_hours=0")
    outcome = Outcome(system, *words)
    assert_holds(outcome)
    assert outcome.explained() == {"trimmed": 30}
    assert outcome.json["recounted"] is True and outcome.json["queued"] == 40
    # Without that permission nobody may have trimmed them.
    assert Outcome(system).whats() == ["entry_deleted"]


def test_without_anything_to_recount_from_rollups_are_held_against_one_another(system, tmp_path):
    system.keys.xtrim(stream_of(system), maxlen=10, approximate=False)
    words = ["-o", f"redis.url={system.redis.url}", "-o", f"data.dir={tmp_path}",
             "-o", "queue.retain_hours=0"]
    outcome = run("reconcile", "--json", *words)
    assert outcome.returncode == 0, outcome.stdout
    assert json.loads(outcome.stdout)["recounted"] is False
    damages = {
        f"stats:all:{today()}": f"-000{CELL}",
        f"stats:all:{today()}:h": f"a000{CELL}",
        f"stats:campaign:spring:{today()}": f"-000{CELL}",
        f"stats:campaign:spring:{today()}:h": f"a000{CELL}",
        f"stats:link:AB12CD:{today()}": f"a000{CELL}",
        f"stats:index:{today()}": "spring\t0",
        f"stats:streams:{today()}": stream_of(system),
    }
    for key, field in damages.items():
        system.keys.hincrby(f"brinco:{key}", field, 7)
        outcome = run("reconcile", *words)
        assert outcome.returncode == 1, key
        assert key.removesuffix(":h") in outcome.stdout or "streams" in key
        system.keys.hincrby(f"brinco:{key}", field, -7)
        if system.keys.hget(f"brinco:{key}", field) == "0":
            system.keys.hdel(f"brinco:{key}", field)
    assert run("reconcile", *words).returncode == 0


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


def test_after_a_deleted_mark_everything_counted_twice_is_found(system):
    system.keys.hdel("brinco:mark", stream_of(system))
    system.brinco.start().ready()
    wait_for(lambda: is_counted(system))
    outcome = Outcome(system)
    assert {"counted_differs", "total_differs"} <= set(outcome.whats())


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


# --- what cannot be told -------------------------------------------------------------------------


def test_without_redis_it_cannot_be_told(system):
    system.redis.kill()
    outcome = system.brinco.cli("reconcile")
    assert outcome.returncode == 2 and "redis.url" in outcome.stderr
    outcome = system.brinco.cli("reconcile", "-o", "queue.kind=none", "--json")
    assert outcome.returncode == 0, outcome.stdout
    report = json.loads(outcome.stdout)
    assert (report["answered"], report["journaled"], report["queued"]) == (40, 40, None)
    (system.brinco.data / "journal/00/00000001.log").unlink()
    outcome = system.brinco.cli("reconcile", "-o", "queue.kind=none")
    assert outcome.returncode == 1


@pytest.mark.parametrize("words, sentence", [
    (["--day", "yesterday"], "is no date"), (["--day", "2026-02-30"], "is no date"),
    (["--data", "/nowhere"], "/nowhere has no journal"), (["more"], "one argument too many")])
def test_what_is_not_allowed_is_said(system, words, sentence):
    outcome = system.brinco.cli("reconcile", *words)
    assert outcome.returncode == 2 and sentence in outcome.stderr


