"""`brinco reconcile`: all is explained, under load and kills; what cannot be told is said."""

import json
import random
import re
import signal
import time

import pytest

from harness.brinco import Brinco, run
from harness.load import Load
from harness.reconcile import (CELL, ROLES, ZONE, Outcome, assert_holds, counted_system, is_counted,
                               settle, stream_of, today)
from harness.wait import wait_for


@pytest.fixture(name="system")
def a_system_with_counts(make_system):
    return counted_system(make_system)


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


