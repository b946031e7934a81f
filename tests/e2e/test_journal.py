"""The journal: full disks, and reading it from outside."""

import contextlib
import json
import resource
import subprocess

import pytest

from harness import agents, clicks, journal
from harness.brinco import run
from harness.http import Connection, request
from harness.tokens import click_id, token_of
from harness.wait import wait_for

# A click of about 700 bytes.
LONG_CODE = "L" * 64
LONG_TAP = request(f"/{LONG_CODE}?s={'s' * 64}", agent=agents.WINDOWS,
                   headers=[f"Referer: https://{'r' * 60}.{'r' * 60}.{'r' * 60}.mx/"])


def tap_many(system, count):
    """Pipelined, so that many are cheap. The ids of the clicks, in order."""
    ids = []
    with Connection(system.brinco.port) as connection:
        while len(ids) < count:
            connection.send(LONG_TAP * 50)
            for _ in range(50):
                reply = connection.read_reply()
                assert reply.status == 302, "a full journal never stops a redirect"
                ids.append(click_id(token_of(reply.location)))
    return ids


def prepared(make_system, **options):
    system = make_system(edge__workers=1, **{"start": False, **options})
    system.link(LONG_CODE, owner="o" * 128)
    return system


def lost(system):
    return system.brinco.metrics().sum("brinco_clicks_lost_total")


def tap_until_full(system):
    """Until none of five hundred taps in a row is journaled, and not only because the thread that
    prepares segments was slow."""
    answered = []
    while len(answered) < 30_000:
        before = lost(system)
        answered += tap_many(system, 500)
        if lost(system) == before + 500 and system.brinco.readyz()[0] == 503:
            return answered
    raise AssertionError("the journal grows beyond its limit")


def journaled(system):
    return len(journal.records(system.brinco.data))


def assert_lost_is_what_is_missing(system, answered):
    assert lost(system) == len(answered) - journaled(system)
    status, text = system.brinco.readyz()
    assert status == 503
    check = next(check for check in json.loads(text)["checks"] if check["name"] == "journal")
    assert check["ok"] is False


@pytest.mark.short
def test_at_max_mb_taps_are_answered_lost_clicks_counted_and_room_ends_it(make_system):
    system = prepared(make_system, queue__kind="none", journal__max_mb=4, journal__segment_mb=1)
    config = system.brinco.directory / "brinco.conf"
    config.write_text("[journal]\nmax_mb = 4\n")
    del system.brinco.options["journal.max_mb"]
    system.brinco.start("-c", config).ready()
    answered = tap_until_full(system)
    assert_lost_is_what_is_missing(system, answered)
    disk = sum(path.stat().st_size for path in (system.brinco.data / "journal").rglob("*.log"))
    assert disk <= 4 * 1024 * 1024
    said = [line for line in system.brinco.log().splitlines() if "event=clicks_lost" in line]
    assert 1 <= len(said) <= 10, "once a second"

    before = lost(system)
    config.write_text("[journal]\nmax_mb = 64\n")
    system.brinco.signal(1)
    system.brinco.ready()
    answered += tap_many(system, 500)
    assert lost(system) == before
    assert journaled(system) == len(answered) - before
    assert system.brinco.cli("journal", "verify").returncode == 0


def test_a_file_size_limit_is_like_a_full_disk(make_system):
    """No segment fits: the server starts, answers, counts what it loses, and goes on by itself
    as soon as there is room."""
    system = prepared(make_system, journal__segment_mb=1)
    system.brinco.start(limits=[(resource.RLIMIT_FSIZE, 512 * 1024)])
    answered = tap_many(system, 200)
    assert_lost_is_what_is_missing(system, answered)
    assert lost(system) == 200
    resource.prlimit(system.brinco.pid, resource.RLIMIT_FSIZE,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    system.brinco.ready()
    later = tap_many(system, 200)
    assert lost(system) == 200
    system.wait_shipped()
    assert [click["id"] for click in system.clicks()] == later


@pytest.fixture
def small_disk(make_system):
    """A system whose data folder is a tmpfs of 6 MiB."""
    system = prepared(make_system, journal__segment_mb=1, journal__retain_hours=0)
    system.brinco.data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs",
                              system.brinco.data], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting needs root: " + mounted.stderr.strip())
    try:
        system.brinco.start().ready()
        yield system
        system.brinco.stop()
    finally:
        system.brinco.kill()
        subprocess.run(["umount", "--lazy", system.brinco.data], check=True)


def test_a_disk_that_others_fill_is_survived(small_disk):
    system = small_disk
    answered = tap_many(system, 50)
    system.wait_shipped()
    system.redis.kill()  # or shipped segments would make room
    ballast = system.brinco.data / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    answered += tap_until_full(system)
    assert_lost_is_what_is_missing(system, answered)
    ballast.unlink()
    system.redis.start()
    system.brinco.ready()
    before = lost(system)
    answered += tap_many(system, 200)
    assert lost(system) == before
    system.wait_shipped()
    entries = system.clicks()
    clicks.assert_streams_are_sound(entries)
    assert len(entries) == len(answered) - before


def test_shipped_segments_make_room_for_new_clicks(make_system):
    """A small journal takes any number of clicks, if not all at once: what is shipped goes before
    its time when there is no room, and the limit holds."""
    system = prepared(make_system, journal__max_mb=4, journal__segment_mb=1)
    system.brinco.start().ready()
    segments = system.brinco.data / "journal" / "00"
    answered = []
    for _ in range(6):
        for _ in range(4):
            answered += tap_many(system, 500)
            system.wait_shipped()
        assert len(list(segments.glob("*.log"))) <= 4
    wait_for(lambda: system.brinco.metrics().sum("brinco_shipper_deleted_segments_total",
                                                 reason="early") > 0, what="they are counted")
    assert lost(system) == 0
    clicks.assert_all_counted_once(system.clicks(), answered)
    assert system.keys.xlen(clicks.stream_names(system.keys)[0]) == len(answered)


@pytest.fixture(scope="module")
def written(make_module_system):
    """A system with some clicks, all shipped, still running."""
    system = make_module_system(journal__segment_mb=1)
    for number in range(40):
        system.tap("AB12CD" if number % 2 else "NOBODY")
    system.wait_shipped()
    return system


def test_dump_shows_what_the_streams_have(written):
    outcome = written.brinco.cli("journal", "dump")
    assert outcome.returncode == 0
    dumped = [json.loads(line) for line in outcome.stdout.splitlines()]
    entries = written.clicks()
    assert len(dumped) == len(entries) == 40
    by_id = {entry["id"]: entry for entry in entries}
    for line in dumped:
        entry = by_id[line["id"]]
        for name in clicks.FIELDS:
            assert str(line[name]) == entry[name], name


def test_the_format_on_disk_is_the_one_that_is_documented(written):
    """Read by a program that knows nothing but the description."""
    records = journal.records(written.brinco.data)
    assert len(records) == 40
    entries = {(entry.sequence, entry.at_ms) for entry in written.clicks()}
    assert {(record.sequence, int.from_bytes(record.payload[:8], "little"))
            for record in records} == entries


def test_ls_shows_every_segment(written):
    outcome = written.brinco.cli("journal", "ls")
    assert outcome.returncode == 0
    for path in (written.brinco.data / "journal").rglob("*.log"):
        assert path.stem in outcome.stdout
    assert written.brinco.edge_id() in outcome.stdout


def test_verify_finds_nothing_wrong_with_a_live_journal(written):
    outcome = written.brinco.cli("journal", "verify")
    assert outcome.returncode == 0, outcome.stderr
    assert "40" in outcome.stdout


def test_a_journal_that_is_not_there_is_said(tmp_path):
    outcome = run("journal", "verify", "-o", f"data.dir={tmp_path}/none")
    assert outcome.returncode == 2
    assert f"{tmp_path}/none" in outcome.stderr


def test_what_is_no_journal_is_named_and_hides_no_other(written):
    odd = written.brinco.data / "journal" / "08" / "00000001.log"
    odd.mkdir(parents=True)
    try:
        for command in ("ls", "dump", "verify"):
            outcome = written.brinco.cli("journal", command)
            assert outcome.returncode == 1
            assert "journal/08" in outcome.stderr
        assert "records: 40" in outcome.stdout
    finally:
        odd.rmdir()
        odd.parent.rmdir()
