"""Journals with a torn end or a flipped bit, at every byte of the last records.

One server keeps as many journals as it has workers, so each start of it looks at WORKERS
different damages, each in a journal of its own.
"""

import shutil

import pytest

from harness import clicks, journal

WORKERS = 48
RECORDS = 5
DAMAGED = 3


class Damage:
    """What was done to a journal: the records (by index) that are still sound and so must come
    through, and whether its end was cut off and kept aside."""

    def __init__(self, name, data, sound, is_cut):
        self.name, self.data, self.sound, self.is_cut = name, data, list(sound), is_cut


@pytest.fixture(scope="module")
def original(make_module_system):
    """A journal of RECORDS clicks, as a killed server left it."""
    system = make_module_system(edge__workers=1, journal__segment_mb=1, queue__kind="none")
    for _ in range(RECORDS):
        assert system.tap("AB12CD").status == 302
    system.brinco.kill()
    segment, *_ = journal.segments(system.brinco.data / "journal" / "00")
    assert len(segment.records()) == RECORDS
    return segment


def places(segment):
    """Every byte of the last records: (offset, index of its record)."""
    for index, record in list(enumerate(segment.records()))[-DAMAGED:]:
        for offset in range(record.offset, record.end):
            yield offset, index, record


def torn(segment):
    """The end is zero from a byte on, as when a page never reached the disk."""
    for offset, index, record in places(segment):
        data = bytearray(segment.data)
        data[offset:] = bytes(len(data) - offset)
        is_whole = data[: record.payload_end] == segment.data[: record.payload_end]
        something_is_left = any(data[record.offset : record.end])
        yield Damage(f"torn at {offset}", data, range(index + is_whole),
                     something_is_left and not is_whole)


def flipped(segment):
    """One bit is another. It costs that record and no other: what comes behind is sound. (Not in
    the padding, where it is nobody's loss, whether it is noticed or not.)"""
    for offset, index, record in places(segment):
        data = bytearray(segment.data)
        data[offset] ^= 1 << offset % 8
        if offset < record.payload_end:
            sound = [other for other in range(RECORDS) if other != index]
            yield Damage(f"bit {offset % 8} of {offset}", data, sound, index == RECORDS - 1)


def overwritten(segment):
    """Rubbish instead of zeros where nothing was written yet."""
    end = segment.records()[-1].end
    for size in (1, 4, 8, 16, 100, 4096):
        for byte in (0x01, 0x80, 0xFF):
            data = bytearray(segment.data)
            data[end : end + size] = bytes([byte]) * size
            yield Damage(f"{size} bytes of {byte:#x} behind", data, range(RECORDS), True)


def start_with(system, segment, damages):
    """A server with one damaged journal a worker."""
    root = system.brinco.data / "journal"
    shutil.rmtree(root, ignore_errors=True)
    for worker, damage in enumerate(damages):
        copy = journal.Segment(segment.path)
        copy.data = bytearray(damage.data)
        copy.rename(segment.edge_id, worker)
        directory = root / f"{worker:02}"
        directory.mkdir(parents=True)
        (directory / segment.path.name).write_bytes(copy.data)
    system.brinco.options["edge.workers"] = len(damages)
    system.brinco.start().ready()
    return root


def shipped(system, segment, worker):
    """The sequences in a worker's stream."""
    rows = system.keys.xrange(f"brinco:clicks:{segment.edge_id}:{worker}")
    return [int(entry_id.split("-")[1]) for entry_id, _ in rows]


@pytest.mark.parametrize("kind", [torn, flipped, overwritten])
def test_whatever_is_sound_in_a_damaged_journal_is_shipped(make_system, original, kind):
    system = make_system(start=False, journal__segment_mb=1, edge__id=original.edge_id)
    system.brinco.data.mkdir()
    all_sequences = [record.sequence for record in original.records()]
    damages = list(kind(original))
    for first in range(0, len(damages), WORKERS):
        batch = damages[first : first + WORKERS]
        system.brinco.stderr.unlink(missing_ok=True)
        system.keys.delete(*clicks.stream_names(system.keys), "brinco:streams")
        root = start_with(system, original, batch)
        system.brinco.stop()  # which ships everything
        for worker, damage in enumerate(batch):
            expected = [all_sequences[index] for index in damage.sound]
            assert shipped(system, original, worker) == expected, damage.name
            assert any((root / f"{worker:02}").glob("*.torn")) == damage.is_cut, damage.name
        damaged = sum(damage.is_cut or len(damage.sound) < RECORDS for damage in batch)
        loud = [line for line in system.brinco.log().splitlines() if "level=info" not in line]
        assert len(loud) >= sum(damage.is_cut for damage in batch)
        assert bool(loud) == bool(damaged)

        # Again, with taps: sequences go on behind the last sound record, nothing is there twice.
        system.brinco.start().ready()
        assert {system.tap("AB12CD").status for _ in range(20)} == {302}
        system.brinco.stop()
        new = 0
        for worker, damage in enumerate(batch):
            expected = [all_sequences[index] for index in damage.sound]
            sequences = shipped(system, original, worker)
            more = len(sequences) - len(expected)
            assert sequences == expected + [expected[-1] + n + 1 for n in range(more)], damage.name
            new += more
        assert new == 20


def test_what_was_cut_off_is_kept_as_it_was(make_system, original):
    system = make_system(start=False, journal__segment_mb=1, edge__id=original.edge_id)
    system.brinco.data.mkdir()
    record = original.records()[-1]
    data = bytearray(original.data)
    data[record.offset + 20] ^= 0x10
    root = start_with(system, original, [Damage("flip", data, range(RECORDS - 1), True)])
    aside, = (root / "00").glob("*.torn")
    assert str(record.offset) in aside.name
    rest = bytes(data[record.offset : record.end])
    kept = aside.read_bytes()
    assert kept.rstrip(b"\0") == rest.rstrip(b"\0")


def test_verify_names_the_place_of_every_damage(make_system, original):
    """The program that only reads: exit 1, with segment and offset. A sample of the bytes."""
    system = make_system(start=False)
    directory = system.brinco.data / "journal" / "00"
    directory.mkdir(parents=True)
    path = directory / original.path.name
    for offset, _, record in list(places(original))[::11]:
        if offset >= record.payload_end:
            continue
        data = bytearray(original.data)
        data[offset] ^= 1 << offset % 8
        path.write_bytes(data)
        outcome = system.brinco.cli("journal", "verify")
        assert outcome.returncode == 1, f"bit {offset % 8} of byte {offset}"
        assert str(record.offset) in outcome.stdout + outcome.stderr
        assert path.stem in outcome.stdout + outcome.stderr
        dumped = system.brinco.cli("journal", "dump")
        assert dumped.stdout.count("\n") == RECORDS - 1, "the others are shown"


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 4096, b"BRINCOJ1" + b"\xff" * 5000,
                                     b"\xff" * 100_000], ids=["empty", "byte", "zeros", "magic",
                                                              "ones"])
def test_a_file_that_is_no_segment_stops_nothing(make_system, content):
    """A crash in the middle of preparing one leaves such files."""
    system = make_system(start=False, edge__workers=1)
    directory = system.brinco.data / "journal" / "00"
    directory.mkdir(parents=True)
    (directory / "00000001.log").write_bytes(content)
    (directory / "notes.txt").write_bytes(b"not ours")
    system.brinco.start().ready()
    reply = system.tap("AB12CD")
    assert reply.status == 302
    assert system.click_of(reply)
    assert (directory / "notes.txt").read_bytes() == b"not ours"


def test_a_segment_that_shrinks_under_the_shipper_is_no_crash(own):
    """The left-over journal of another worker, cut by somebody while the server runs."""
    for _ in range(20):
        own.tap("AB12CD")
    own.wait_shipped()
    own.redis.kill()
    own.brinco.stop()
    source = own.brinco.data / "journal" / "00"
    other = own.brinco.data / "journal" / "40"
    shutil.copytree(source, other)
    for segment in journal.segments(other):
        segment.rename(own.brinco.edge_id(), 40)
        segment.path.write_bytes(segment.data)
    own.brinco.start()
    for path in other.glob("*.log"):
        with open(path, "r+b") as file:
            file.truncate(4096 + 10)
    own.redis.start()
    own.brinco.ready()
    assert own.tap("AB12CD").status == 302
