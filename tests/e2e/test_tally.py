"""The tally beside each journal: what was answered, whatever happens to the process or the file."""

import datetime
import json
import resource
import struct
import zoneinfo

from harness.load import Load
from harness.wait import wait_for

HEADER, STRETCH = 4096, struct.Struct("<16Q")
ZONE = zoneinfo.ZoneInfo("America/Mexico_City")


class Tally:
    """The file, from the description of its format alone."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, header, count, size, self.worker, edge_size = struct.unpack_from(
            "<8s6I", data)
        assert (magic, version, header, count, size) == (b"BRINCOT1", 1, 4096, 500, 128)
        assert len(data) == header + count * size
        self.edge = data[32 : 32 + edge_size].decode()
        self.begun_after, self.crc = struct.unpack_from("<QI", data, 96)
        names = ("number", "day", "begin", "end", "before", "answered", "last", "lost_full",
                 "recovered", "seal", "numbering", "lost_power", "lost_missing", "deleted")
        stretches = [dict(zip(names, STRETCH.unpack_from(data, HEADER + i * size)))
                     for i in range(count)]
        self.stretches = sorted((s for s in stretches if s["number"]), key=lambda s: s["number"])

    def sum(self, name):
        return sum(stretch[name] for stretch in self.stretches)


def tally_of(system, worker=0):
    return Tally(system.brinco.data / f"journal/{worker:02}/tally")


def answered(system):
    return sum(Tally(path).sum("answered")
               for path in (system.brinco.data / "journal").glob("*/tally"))


def test_every_answer_is_in_the_tally_before_it_is_sent(own):
    before = answered(own)
    for n in range(1, 20):
        own.tap("AB12CD")
        assert answered(own) == before + n
    tally = tally_of(own)
    assert tally.edge == own.brinco.edge_id() and tally.worker == 0
    day = int(datetime.datetime.now(ZONE).strftime("%Y%m%d"))
    assert {stretch["day"] for stretch in tally.stretches} <= {day}


def test_kill_9_takes_nothing_from_it(make_system):
    system = make_system(edge__workers=1)
    for _ in range(5):
        with Load(system.brinco.port, ["AB12CD"], pause=0.0005) as load:
            wait_for(lambda load=load: load.count() > 50)
            system.brinco.kill()
        system.brinco.start()
    tally = tally_of(system)
    newest = system.keys.xlen(f"brinco:clicks:{tally.edge}:0")
    system.wait_shipped()
    newest = system.keys.xlen(f"brinco:clicks:{tally.edge}:0")
    assert tally.sum("answered") + tally.sum("recovered") == newest
    assert tally.stretches[-1]["last"] == newest and tally.sum("recovered") <= 5


def test_a_damaged_one_is_set_aside_and_taps_go_on(make_system):
    system = make_system(edge__workers=1)
    for _ in range(10):
        system.tap("AB12CD")
    system.brinco.stop()
    path = system.brinco.data / "journal/00/tally"
    with open(path, "r+b") as file:
        file.seek(HEADER + 128 + 5 * 8)
        file.write(b"\xff")
    system.brinco.start().ready()
    assert system.tap("AB12CD").status == 302
    assert path.with_name("tally.bad").exists()
    assert "event=tally_set_aside" in system.brinco.log()
    assert system.brinco.metrics().sum("brinco_tally_set_aside_total") == 1
    tally = Tally(path)
    assert (tally.begun_after, tally.sum("answered")) == (10, 1)


def test_without_room_for_one_taps_are_answered(make_system):
    """Files may be no larger than a tally is: there are no clicks either, and taps go on."""
    system = make_system(start=False, edge__workers=1)
    system.brinco.start(limits=[(resource.RLIMIT_FSIZE, 50000)])
    for _ in range(5):
        assert system.tap("AB12CD").status == 302
    assert system.brinco.metrics().sum("brinco_tally_absent") == 1
    assert "event=tally_absent" in system.brinco.log()
    system.brinco.stop()
    system.brinco.start().ready()
    system.tap("AB12CD")
    assert system.brinco.metrics().sum("brinco_tally_absent") == 0
    assert tally_of(system).sum("answered") == 1


def test_a_changed_edge_id_begins_another_one(make_system):
    system = make_system(edge__workers=1)
    system.tap("AB12CD")
    first = system.brinco.edge_id()
    system.brinco.stop()
    system.brinco.options["edge.id"] = "another"
    system.brinco.start().ready()
    system.tap("AB12CD")
    system.tap("AB12CD")
    assert tally_of(system).edge == "another" and tally_of(system).sum("answered") == 2
    old = Tally(system.brinco.data / f"journal/00/tally-of.{first}")
    assert old.edge == first and old.sum("answered") == 1
    system.wait_shipped()
    outcome = system.brinco.cli("reconcile", "--json")
    assert outcome.returncode == 0, outcome.stdout
    report = json.loads(outcome.stdout)
    assert {s["edge"]: s["answered"] for s in report["streams"]} == {first: 1, "another": 2}


def test_a_power_cut_is_told_from_a_kill(make_system):
    """Records that were not synced yet are taken from the end of the journal."""
    system = make_system(edge__workers=1, journal__sync_ms=10000)
    for _ in range(10):
        system.tap("AB12CD")
    system.wait_shipped()
    system.brinco.kill()
    path = system.brinco.data / "journal/00/00000001.log"
    data = bytearray(path.read_bytes())
    offset = HEADER
    for _ in range(7):
        offset += (16 + struct.unpack_from("<I", data, offset)[0] + 7) // 8 * 8
    data[offset:] = bytes(len(data) - offset)
    path.write_bytes(data)
    system.brinco.start().ready()
    system.tap("AB12CD")
    tally = tally_of(system)
    assert (tally.sum("answered"), tally.sum("lost_power")) == (11, 3)
    assert system.brinco.metrics().sum("brinco_tally_lost_total", reason="power_cut") == 3
    wait_for(lambda: system.keys.xlen(f"brinco:clicks:{tally.edge}:0") == 11)
    outcome = system.brinco.cli("reconcile")
    assert outcome.returncode == 0, outcome.stdout
    assert "a power cut; the stream has 3 of them" in outcome.stdout


def test_left_over_workers_are_reconciled_too(make_system):
    system = make_system(edge__workers=2, serve__roles="edge api collector")
    with Load(system.brinco.port, ["AB12CD"], pause=0) as load:
        wait_for(lambda: load.count() > 100 and
                 all(tally_of(system, n).sum("answered") for n in (0, 1)))
    system.brinco.stop()
    system.brinco.options["edge.workers"] = 1
    system.brinco.start().ready()
    stream = f"clicks:{system.brinco.edge_id()}:1"
    wait_for(lambda: (system.keys.hget("brinco:heard", f"brinco:{stream}") or "")
             .endswith("closed"))
    outcome = system.brinco.cli("reconcile", "--json")
    assert outcome.returncode == 0, outcome.stdout
    assert json.loads(outcome.stdout)["answered"] == load.count()


def test_segments_that_were_deleted_by_age_are_no_difference(make_system):
    system = make_system(edge__workers=1, journal__segment_mb=1, journal__retain_hours=0,
                         queue__kind="none", serve__roles="edge api")
    with Load(system.brinco.port, [f"CODE{'X' * 50}"], pause=0, keep_alive=1000) as load:
        wait_for(lambda: system.brinco.metrics().sum("brinco_shipper_deleted_segments_total",
                                                     reason="age") > 0, seconds=60)
    outcome = system.brinco.cli("reconcile", "-o", "queue.kind=none", "--json")
    assert outcome.returncode == 0, outcome.stdout
    report = json.loads(outcome.stdout)
    assert report["answered"] == report["journaled"] == load.count()
    assert 0 < report["streams"][0]["records"] < load.count()


def test_segments_that_made_room_are_no_difference(make_system):
    system = make_system(edge__workers=1, journal__segment_mb=1, journal__max_mb=4,
                         serve__roles="edge api collector")
    with Load(system.brinco.port, [f"CODE{'X' * 50}"], pause=0, keep_alive=1000) as load:
        wait_for(lambda: system.brinco.metrics().sum("brinco_shipper_deleted_segments_total",
                                                     reason="early") > 0, seconds=60)
        outcome = system.brinco.cli("reconcile", "--json")  # while it goes on
        assert outcome.returncode == 0, outcome.stdout
    system.wait_shipped()
    outcome = system.brinco.cli("reconcile", "--json")
    assert outcome.returncode == 0, outcome.stdout
    report = json.loads(outcome.stdout)
    assert report["answered"] == load.count()
    assert 0 < report["streams"][0]["records"] < load.count()
