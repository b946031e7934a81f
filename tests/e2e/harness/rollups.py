"""Clicks written into streams without an edge, and the rollups that must come of them, added up
here from what was written alone."""

import collections
import datetime
import select
import socket
import zoneinfo

import redis

from .clicks import FIELDS

CELL = ("country", "region", "browser", "in_app", "language", "referrer", "source")
KINDS = ("human", "preview", "bot", "prefetch", "head")
OUTCOMES = ("play_store", "app_store", "web", "override", "fallback", "default", "paused",
            "expired", "not_found", "unresolved", "desktop", "used_up")
PLATFORMS = ("android", "ios", "windows", "macos", "linux", "other")

CLICK = {
    "id": "01JD5T0000ABCDEFGHJKMNPQRS", "at": "0", "code": "AB12CD", "campaign": "spring",
    "owner": "ana", "kind": "human", "outcome": "play_store", "country": "MX", "region": "CMX",
    "platform": "android", "browser": "chrome", "in_app": "", "language": "es-MX", "referrer": "",
    "source": "", "visitor": "0" * 16, "version": "1", "network": "0" * 16, "agent": "",
    "rule": "android",
}


class Entry:
    """What is written: where it stands, and its fields."""

    def __init__(self, ms, sequence, stream="brinco:clicks:e:0", **changes):
        self.ms, self.sequence, self.stream = ms, sequence, stream
        self.fields = {**CLICK, "at": str(ms), **changes}

    @property
    def id(self):
        return f"{self.ms}-{self.sequence}"

    def is_click(self):
        return (set(self.fields) in (set(FIELDS), set(FIELDS[:17])) and
                self.fields["version"] == "1" and self.fields["kind"] in KINDS)


def write(server, entries):
    """Appends the entries to their streams, in one go."""
    words = []
    for entry in entries:
        flat = [part for pair in entry.fields.items() for part in pair]
        words.append(("XADD", entry.stream, entry.id, *flat))
    for stream in sorted({entry.stream for entry in entries}):
        words.append(("SADD", "brinco:streams", stream))
    request = b"".join(_command(command) for command in words)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server.socket))
        connection.settimeout(30)
        answers = 0
        for begin in range(0, len(request), 1 << 16):
            connection.sendall(request[begin : begin + (1 << 16)])
            answers += _answers(connection, wait=False)
        while answers < len(words):
            answers += _answers(connection, wait=True)


def _command(words):
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def _answers(connection, wait):
    """How many replies have come: each is an id ($, then the id) or a number."""
    if not wait and not select.select([connection], [], [], 0)[0]:
        return 0
    data = connection.recv(1 << 20)
    assert data and b"-ERR" not in data and b"-OOM" not in data, data[-200:]
    return data.count(b"$") + data.count(b":")


class Expected:
    """Key (without the prefix) to field to number, as stats/keys.h and stats/cell.h have it."""

    def __init__(self, entries, zone="America/Mexico_City"):
        self.hashes = collections.defaultdict(collections.Counter)
        self.people = collections.defaultdict(set)
        self.zone = zoneinfo.ZoneInfo(zone)
        for entry in entries:
            self._add(entry)

    def _day_and_hour(self, ms):
        when = datetime.datetime.fromtimestamp(ms / 1000, self.zone)
        midnight = when.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        hour = int((ms / 1000 - midnight.timestamp()) // 3600)
        return when.strftime("%Y%m%d"), "abcdefghijklmnopqrstuvwxyz"[hour]

    def _add(self, entry):
        day, hour = self._day_and_hour(entry.ms)
        self.hashes["stats:total"][entry.stream] += 1
        self.hashes[f"stats:streams:{day}"][entry.stream] += 1
        if not entry.is_click():
            self.hashes[f"stats:streams:{day}"][entry.stream + "\tmalformed"] += 1
            return
        click = entry.fields
        cell = "".join(str(words.index(click[name])) for name, words in (
            ("kind", KINDS), ("outcome", OUTCOMES), ("platform", PLATFORMS)))
        cell += "\t".join(click[name] for name in CELL)
        human = click["kind"] == "human"
        self.hashes[f"stats:index:{day}"][f"{click['campaign']}\t{cell[0]}"] += 1
        scopes = ["all"] + ([f"campaign:{click['campaign']}"] if click["campaign"] else [])
        for scope in scopes:
            self.hashes[f"stats:{scope}:{day}"]["-" + cell] += 1
            self.hashes[f"stats:{scope}:{day}:h"][hour + cell] += 1
        if click["outcome"] not in ("not_found", "default"):
            scopes.append(f"link:{click['code']}")
            link = self.hashes[f"stats:link:{click['code']}:{day}"]
            link[hour + cell] += 1
            if human:
                link["=" + click["campaign"]] += 1
        if human:
            for scope in scopes:
                self.people[f"{scope}:{day}"].add(click["visitor"])

    def assert_there(self, client, prefix="brinco:"):
        """Field by field, and nothing else; people within what a HyperLogLog promises."""
        keys = {key.removeprefix(prefix) for key in client.scan_iter(f"{prefix}stats:*", 10000)}
        keys = {key for key in keys if not key.startswith(("stats:zone", "stats:large"))}
        assert keys == set(self.hashes)
        raw = client.connection_pool.connection_kwargs["path"]
        for key, fields in self.hashes.items():
            there = {name: int(value) for name, value in _hash(raw, prefix + key).items()
                     if name != "@"}
            assert there == dict(fields), key
        for scope, visitors in self.people.items():
            kind, _, rest = scope.partition(":")
            if kind == "link" and len(visitors) <= 8:
                listed = _raw(raw, "HGET", f"{prefix}stats:{scope}", "@")
                assert {listed[i : i + 8].hex() for i in range(0, len(listed), 8)} == visitors
                continue
            counted = client.pfcount(f"{prefix}unique:{scope}")
            assert abs(counted - len(visitors)) <= max(3, 0.04 * len(visitors)), scope


def _raw(path, *words):
    """A reply as bytes: visitors are no text."""
    with redis.Redis(unix_socket_path=path) as client:
        return client.execute_command(*words)


def _hash(path, key):
    return {name.decode(errors="replace"): value if name != b"@" else b""
            for name, value in _raw(path, "HGETALL", key).items()}


def counted(client, prefix="brinco:"):
    """Entries counted, of all streams."""
    return sum(int(value) for value in client.hgetall(f"{prefix}stats:total").values())
