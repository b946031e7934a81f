"""The click streams in Redis, and what proves that nothing is missing or double."""

import collections

FIELDS = ("id", "at", "code", "campaign", "owner", "kind", "outcome", "country", "region",
          "platform", "browser", "in_app", "language", "referrer", "source", "visitor", "version",
          "network", "agent", "rule")


class Click:
    """One stream entry: fields by name (click["code"]), names in their order, where it stood."""

    def __init__(self, stream, entry_id, flat):
        self.stream, self.entry_id = stream, entry_id
        self.names = flat[0::2]
        self.fields = dict(zip(self.names, flat[1::2]))
        self.at_ms, self.sequence = (int(part) for part in entry_id.split("-"))

    def __getitem__(self, name):
        return self.fields[name]

    def __repr__(self):
        return f"<{self.stream} {self.entry_id} {self.fields}>"


def stream_names(client, prefix="brinco:"):
    return sorted(client.smembers(f"{prefix}streams"))


def stream_entries(client, prefix="brinco:"):
    """Every click of every stream, in the order of each stream."""
    clicks = []
    for name in stream_names(client, prefix):
        begin = "-"
        while True:
            rows = _raw_range(client, name, begin)
            clicks += [Click(name, entry_id, flat) for entry_id, flat in rows]
            if len(rows) < 10000:
                break
            begin = "(" + rows[-1][0]
    return clicks


def _raw_range(client, name, begin):
    """XRANGE without redis-py's dictionaries: the order of the fields is part of the contract."""
    connection = client.connection_pool.get_connection("XRANGE")
    try:
        connection.send_command("XRANGE", name, begin, "+", "COUNT", "10000")
        return connection.read_response()
    finally:
        client.connection_pool.release(connection)


def assert_streams_are_sound(clicks):
    """Sequences rise by one from 1 within each stream, times never fall, ids are unique."""
    by_stream = collections.defaultdict(list)
    for click in clicks:
        by_stream[click.stream].append(click)
    for stream, entries in by_stream.items():
        sequences = [click.sequence for click in entries]
        first = sequences[0]
        assert sequences == list(range(first, first + len(entries))), f"gaps in {stream}"
        times = [click.at_ms for click in entries]
        assert times == sorted(times), f"time steps back in {stream}"
    counted = collections.Counter(click["id"] for click in clicks)
    double = [key for key, count in counted.items() if count > 1]
    assert double == [], f"{len(double)} clicks are there twice"


def assert_all_counted_once(clicks, answered_ids):
    """Every answered tap is in the streams exactly once. (There may be more than were read back:
    an answer can be lost with the connection that carried it.)"""
    assert_streams_are_sound(clicks)
    there = {click["id"] for click in clicks}
    missing = [key for key in answered_ids if key not in there]
    assert missing == [], f"{len(missing)} of {len(answered_ids)} answered clicks are missing"
