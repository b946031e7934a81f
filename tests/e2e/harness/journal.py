"""Journal files, read and damaged byte by byte; from the description of the format alone.

header, 4096 bytes   magic "BRINCOJ1", u32 version, u32 header size, u64 first sequence,
                     u32 worker, u32 size of edge id, 64 bytes edge id, u32 crc32c of all that
record, 8-aligned    u32 length of payload | u32 crc32c | u64 sequence | payload | padding
The crc covers length, sequence and payload. All numbers are little-endian.
"""

import struct

HEADER = struct.Struct("<8sIIQII64s")
RECORD = struct.Struct("<IIQ")
HEADER_BYTES = 4096
EDGE_BYTES = 64


def _crc_table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


TABLE = tuple(_crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Record:
    """Where a record stands: offset, end (padding included), sequence, payload."""

    def __init__(self, data, offset):
        length, self.crc, self.sequence = RECORD.unpack_from(data, offset)
        self.offset, body = offset, offset + RECORD.size
        self.payload = bytes(data[body : body + length])
        self.payload_end = body + length
        self.end = (self.payload_end + 7) // 8 * 8
        self.is_sound = 0 < length <= 4096 and self.crc == crc32c(
            struct.pack("<IQ", length, self.sequence) + self.payload)


class Segment:
    """A segment file in memory."""

    def __init__(self, path):
        self.path = path
        self.data = bytearray(path.read_bytes())
        magic, self.version, size, self.first_sequence, self.worker, edge_size, edge = (
            HEADER.unpack_from(self.data))
        assert magic == b"BRINCOJ1" and self.version == 1 and size == HEADER_BYTES
        assert struct.unpack_from("<I", self.data, HEADER.size)[0] == crc32c(
            self.data[: HEADER.size])
        self.edge_id = edge[:edge_size].decode()

    def records(self):
        """All sound records up to the first that is not."""
        found, offset = [], HEADER_BYTES
        while offset + RECORD.size <= len(self.data):
            record = Record(self.data, offset)
            if not record.is_sound:
                break
            found.append(record)
            offset = record.end
        return found

    def rename(self, edge_id, worker):
        """Makes it the journal of another worker, in memory."""
        HEADER.pack_into(self.data, 0, b"BRINCOJ1", self.version, HEADER_BYTES,
                         self.first_sequence, worker, len(edge_id), edge_id.encode())
        struct.pack_into("<I", self.data, HEADER.size, crc32c(self.data[: HEADER.size]))


def segments(directory):
    """The segments of one worker's folder that hold a header, in order."""
    return [Segment(path) for path in sorted(directory.glob("*.log"))
            if path.stat().st_size >= HEADER_BYTES and path.read_bytes()[:8] == b"BRINCOJ1"]


def records(data_directory):
    """Every sound record under journal/, worker by worker."""
    found = []
    for directory in sorted((data_directory / "journal").iterdir()):
        for segment in segments(directory):
            found += segment.records()
    return found


def last_sequences(data_directory):
    """Stream (without prefix) to the sequence of the last record that a running server wrote to
    its journal. Only lengths are looked at, which is quick."""
    last = {}
    for path in sorted((data_directory / "journal").glob("*/*.log")):
        data = path.read_bytes()
        if data[:8] != b"BRINCOJ1":
            continue
        _, _, _, first, worker, edge_size, edge = HEADER.unpack_from(data)
        stream = f"clicks:{edge[:edge_size].decode()}:{worker}"
        offset, sequence = HEADER_BYTES, first - 1
        while offset + RECORD.size <= len(data):
            length, _, number = RECORD.unpack_from(data, offset)
            if length == 0:
                break
            sequence, offset = number, (offset + RECORD.size + length + 7) // 8 * 8
        if sequence > 0:  # a segment that is only prepared has no first sequence yet
            last[stream] = max(sequence, last.get(stream, 0))
    return last
