"""From streams to rollups: each entry once, whoever dies, and whatever else is in Redis."""

import random
import time

import pytest

from harness import clicks
from harness.brinco import Brinco
from harness.load import Load
from harness.redis_server import RedisServer
from harness.rollups import Entry, Expected, counted, write
from harness.wait import wait_for

STREAM = "brinco:clicks:e:0"
HOUR_MS = 3600 * 1000


class Bench:
    """A Redis, and collectors on it that are made as they are needed."""

    def __init__(self, place):
        self.place, self.collectors, self.entries = place, [], []
        self.server = RedisServer(place / "r").start()
        self.keys = self.server.client
        self.chance = random.Random(7)

    def collector(self, start=True, **options):
        made = Brinco(self.place / f"c{len(self.collectors)}", self.server.url,
                      serve__roles="collector api", **options)
        self.collectors.append(made)
        return made.start(wait=False).ready() if start else made

    def make(self, count, begin_ms=None, stream=STREAM, links=40):
        """Entries of a small world, a millisecond apart, behind those of that stream."""
        begin_ms = begin_ms or int(time.time() * 1000) - 60 * 1000
        mine = [entry for entry in self.entries if entry.stream == stream]
        first = mine[-1].sequence + 1 if mine else 1
        begin_ms = max(begin_ms, mine[-1].ms if mine else 0)
        choose = self.chance.choice
        return [Entry(begin_ms + n // 20, first + n, stream,
                      code=f"code-{self.chance.randrange(links)}",
                      campaign=choose(("spring", "autumn", "")),
                      kind=choose(("human", "human", "human", "preview", "bot", "head")),
                      outcome=choose(("play_store", "web", "fallback", "not_found")),
                      region=choose(("CMX", "JAL", "NLE", "")),
                      browser=choose(("chrome", "safari")), source=choose(("", "", "", "flyer")),
                      visitor=f"{self.chance.randrange(2000):016x}")
                for n in range(count)]

    def feed(self, entries):
        write(self.server, entries)
        self.entries += entries

    def is_counted(self):
        return counted(self.keys) >= len(self.entries) and self.keys.hlen("brinco:pending") == 0

    def wait_counted(self):
        wait_for(self.is_counted, what=lambda: f"{counted(self.keys)} of {len(self.entries)}")

    def assert_exact(self, zone="America/Mexico_City"):
        Expected(self.entries, zone).assert_there(self.keys)

    def close(self):
        try:
            for collector in self.collectors:
                collector.close()
        finally:
            self.server.stop()


def wait_unready(collector, why):
    """Until /readyz is red, and says so."""
    def is_red():
        try:
            status, text = collector.readyz()
        except OSError:
            return False
        return status == 503 and why in text

    wait_for(is_red, what=why)


@pytest.fixture
def bench(place):
    made = Bench(place)
    yield made
    made.close()


@pytest.mark.short
def test_every_cell_is_what_was_written(bench):
    collector = bench.collector()
    bench.feed(bench.make(3000))
    bench.feed(bench.make(500, stream="brinco:clicks:f:0"))
    bench.wait_counted()
    bench.assert_exact()
    metrics = collector.metrics()
    assert metrics.sum("brinco_collector_clicks_total") == 3500
    assert metrics.sum("brinco_collector_damaged_total") == 0
    wait_for(lambda: collector.metrics().sum("brinco_collector_lag_records") == 0)


@pytest.mark.short
def test_two_collectors_count_each_click_once(bench):
    collectors = [bench.collector() for _ in range(2)]
    for _ in range(15):
        for number in range(4):
            bench.feed(bench.make(200, stream=f"brinco:clicks:e:{number}"))
        time.sleep(bench.chance.uniform(0, 0.2))
    bench.wait_counted()
    time.sleep(0.5)  # a second count of something would show by now
    bench.assert_exact()
    shares = [c.metrics().sum("brinco_collector_clicks_total") for c in collectors]
    assert sum(shares) == len(bench.entries)


def test_when_a_collector_dies_the_other_one_takes_over(bench):
    first = bench.collector()
    bench.feed(bench.make(500))
    bench.wait_counted()
    second = bench.collector()
    bench.feed(bench.make(500))
    bench.wait_counted()
    first.kill()
    bench.feed(bench.make(500))
    bench.wait_counted()
    bench.assert_exact()
    assert second.metrics().sum("brinco_collector_clicks_total") >= 500


def test_kill_9_in_the_middle_of_batches_counts_each_click_once(bench):
    """Batches of this size are written in parts: until some were met half written."""
    collector = bench.collector(start=False)
    half_written = 0
    for _ in range(60):
        bench.feed(bench.make(6000, links=2000))
        collector.start(wait=False)
        before, pending = counted(bench.keys), bench.keys.hgetall("brinco:pending")
        wait_for(lambda b=before, p=pending: counted(bench.keys) > b or
                 bench.keys.hgetall("brinco:pending") != p)
        time.sleep(bench.chance.uniform(0, 0.03))
        collector.kill()
        half_written += bench.keys.hlen("brinco:pending")
        if half_written >= 4:
            break
    assert half_written > 0
    collector.start(wait=False)
    bench.wait_counted()
    bench.assert_exact()


def test_redis_comes_back_older(bench):
    """Marks and rollups go back together; what the streams lost is shipped again, and counted."""
    bench.collector()
    for _ in range(3):
        bench.feed(bench.make(2000))
        bench.wait_counted()
        bench.server.snapshot()
        kept = len(bench.entries)
        bench.feed(bench.make(2000))
        wait_for(lambda k=kept: counted(bench.keys) > k + 500)
        bench.server.kill()
        bench.server.restore()
        bench.server.start()
        there = bench.keys.xinfo_stream(STREAM)["last-generated-id"].split("-")
        lost = [e for e in bench.entries if (e.ms, e.sequence) > (int(there[0]), int(there[1]))]
        assert lost
        write(bench.server, lost)
        bench.wait_counted()
    bench.assert_exact()


def test_redis_is_emptied_under_way(bench):
    bench.collector()
    bench.feed(bench.make(1000))
    bench.wait_counted()
    bench.keys.flushall()
    again, bench.entries = bench.entries, []
    bench.feed(again)
    bench.wait_counted()
    bench.assert_exact()


@pytest.mark.short
def test_scripts_are_forgotten_and_connections_cut_again_and_again(bench):
    collector = bench.collector()
    for turn in range(12):
        bench.feed(bench.make(300))
        if turn % 2 == 0:
            bench.keys.script_flush()
        else:
            bench.server.drop_clients()
    bench.wait_counted()
    bench.assert_exact()
    collector.ready()


def test_redis_is_away_or_full_for_a_while(bench):
    collector = bench.collector()
    bench.feed(bench.make(1000))
    bench.wait_counted()
    bench.server.kill()
    wait_unready(collector, "cannot be reached")
    bench.server.start()
    collector.ready()
    entries = bench.make(1000)
    bench.feed(entries[:500])
    bench.wait_counted()
    bench.keys.config_set("maxmemory", "1")
    wait_unready(collector, "OOM")
    bench.keys.config_set("maxmemory", "0")
    bench.feed(entries[500:])
    bench.wait_counted()
    collector.ready()
    bench.assert_exact()
    assert collector.metrics().sum("brinco_collector_refused_total") > 0
    assert collector.metrics().sum("brinco_collector_unreachable_total") > 0


def test_a_start_without_redis(bench):
    bench.server.kill()
    collector = bench.collector(start=False)
    collector.start(wait=False)
    wait_unready(collector, "cannot be reached")
    bench.server.start()
    bench.feed(bench.make(100))
    bench.wait_counted()
    bench.assert_exact()
    collector.ready()


def test_a_damaged_cell_is_named_and_everything_else_is_counted(bench):
    collector = bench.collector()
    bench.feed(bench.make(500))
    bench.wait_counted()
    key = next(bench.keys.scan_iter("brinco:stats:link:*"))
    bench.keys.set(key, "nonsense")
    total = next(bench.keys.scan_iter("brinco:stats:all:????????"))
    cell = next(iter(bench.keys.hgetall(total)))
    bench.keys.hset(total, cell, "many")
    bench.feed(bench.make(2000))
    bench.wait_counted()
    expected = Expected(bench.entries)
    for damaged in (key, total):
        del expected.hashes[damaged.removeprefix("brinco:")]
    bench.keys.delete(key, total)
    expected.people = {}
    expected.assert_there(bench.keys)
    assert collector.metrics().sum("brinco_collector_damaged_total") > 0
    assert "rollup_damaged" in collector.log()
    collector.ready()


def test_a_mark_that_is_nonsense_stops_its_stream_alone(bench):
    bench.keys.hset("brinco:mark", STREAM, "nonsense")
    collector = bench.collector(start=False)
    collector.start(wait=False)
    lost = bench.make(100)
    write(bench.server, lost)
    bench.feed(bench.make(100, stream="brinco:clicks:f:0"))
    bench.wait_counted()
    wait_unready(collector, "'nonsense'")
    bench.keys.hdel("brinco:mark", STREAM)
    bench.entries += lost
    bench.wait_counted()
    bench.assert_exact()
    collector.ready()


def test_what_is_no_stream_stops_nobody(bench):
    bench.keys.set("brinco:clicks:none:0", "x")
    bench.keys.sadd("brinco:streams", "brinco:clicks:none:0", "brinco:clicks:never:0")
    collector = bench.collector(start=False)
    collector.start(wait=False)
    bench.feed(bench.make(300))
    bench.wait_counted()
    bench.assert_exact()
    wait_unready(collector, "WRONGTYPE")


@pytest.mark.short
def test_entries_that_are_no_clicks_are_counted_as_such(bench):
    collector = bench.collector()
    good = bench.make(300)
    ms, at = good[-1].ms, good[-1].sequence
    bad = [Entry(ms, at + 1, kind="robot"), Entry(ms, at + 2, version="2"), Entry(ms, at + 3)]
    bad[2].fields = {"hello": "world"}
    bench.feed(good + bad)
    bench.feed(bench.make(10))
    bench.wait_counted()
    bench.assert_exact()
    assert collector.metrics().sum("brinco_collector_malformed_total") == 3
    assert "entries_malformed" in collector.log()


def test_fields_in_another_order_are_the_same_clicks(bench):
    bench.collector()
    entries = bench.make(300)
    straight = [dict(entry.fields) for entry in entries]
    for entry in entries[::2]:
        names = list(entry.fields)
        bench.chance.shuffle(names)
        entry.fields = {name: entry.fields[name] for name in names}
    write(bench.server, entries)
    for entry, fields in zip(entries, straight):
        entry.fields = fields
    bench.entries += entries
    bench.wait_counted()
    bench.assert_exact()


def test_an_entry_too_large_to_read_is_passed(bench):
    """70 MB, where a read takes 64."""
    collector = bench.collector()
    bench.feed(bench.make(50))
    last = bench.entries[-1]
    huge = Entry(last.ms, last.sequence + 1)
    huge.fields = {"x": "y" * (70 << 20)}
    bench.feed([huge])
    huge.fields = {}
    bench.feed(bench.make(50))
    bench.wait_counted()
    bench.assert_exact()
    assert collector.metrics().sum("brinco_collector_malformed_total") == 1
    collector.ready()


def test_an_entry_that_looks_like_many_misleads_nobody(bench):
    """What the next read is asked from is guessed from the end of the last one."""
    bench.collector()
    trap = "\r\n9999999999999-9\r\n*34\r\n$2\r\nid\r\n$26\r\n"
    entries = bench.make(2500)
    for entry in entries[499::500]:
        entry.fields["owner"] = trap
    bench.feed(entries)
    bench.wait_counted()
    bench.assert_exact()


def test_rollups_of_another_zone_are_left_alone(bench):
    bench.keys.set("brinco:stats:zone", "Europe/Berlin")
    collector = bench.collector(start=False)
    collector.start(wait=False)
    bench.feed(bench.make(100))
    wait_unready(collector, "Europe/Berlin")
    assert counted(bench.keys) == 0
    assert "collector_other_zone" in collector.log()
    bench.keys.set("brinco:stats:zone", "America/Mexico_City")
    bench.wait_counted()
    bench.assert_exact()
    collector.ready()


def test_a_day_of_25_hours_and_one_of_23(bench):
    """Berlin, 2026-03-29 and 2026-10-25, from the evenings before to the mornings after."""
    zone = "Europe/Berlin"
    bench.collector(stats__timezone=zone, stats__retain_days=36500)
    for begin_ms in (1774728000000, 1792868400000):
        for hour in range(32):
            bench.feed(bench.make(20, begin_ms + hour * HOUR_MS - 1, links=1))
    bench.wait_counted()
    expected = Expected(bench.entries, zone)
    for key in [key for key in expected.hashes if key.endswith(":h") and ":202603" in key]:
        del expected.hashes[key]  # by the hour for 90 days only; links keep theirs
    expected.assert_there(bench.keys)

    def hours(day):
        fields = bench.keys.hkeys(f"brinco:stats:link:code-0:{day}")
        return {field[0] for field in fields} - set("=@")

    assert hours("20261025") == set("abcdefghijklmnopqrstuvwxy")
    assert hours("20260329") == set("abcdefghijklmnopqrstuvw")


def test_spam_fills_its_own_lists(bench):
    collector = bench.collector()
    bench.feed([Entry(e.ms, e.sequence, source=f"spam-{e.sequence}", campaign="spam", code="SPAM")
                for e in bench.make(12000)])
    bench.wait_counted()
    day = next(bench.keys.scan_iter("brinco:stats:all:????????"))[-8:]
    assert 1000 <= bench.keys.hlen(f"brinco:stats:link:SPAM:{day}") <= 1010
    assert 5000 <= bench.keys.hlen(f"brinco:stats:campaign:spam:{day}") <= 5010
    assert 10000 <= bench.keys.hlen(f"brinco:stats:all:{day}") <= 10010
    for key in (f"stats:all:{day}", f"stats:campaign:spam:{day}", f"stats:link:SPAM:{day}"):
        cells = {name: int(count) for name, count in bench.keys.hgetall(f"brinco:{key}").items()
                 if name[0] not in "@="}
        assert sum(cells.values()) == 12000
        assert all(name[4:].startswith("MX\tCMX\tchrome") for name in cells)
    assert collector.metrics().sum("brinco_collector_folded_total") > 12000


def test_trimming_takes_what_is_counted_and_old(bench):
    now_ms = int(time.time() * 1000)
    old = bench.make(1000, now_ms - 3 * HOUR_MS)
    bench.feed(old)
    bench.feed(bench.make(250, now_ms - 600 * 1000))
    silent = "brinco:clicks:silent:0"
    bench.feed(bench.make(30, now_ms - 3 * HOUR_MS, silent))
    bench.keys.hset("brinco:heard", silent, f"{now_ms - 2 * HOUR_MS} closed")
    bench.keys.hset("brinco:heard", STREAM, f"{now_ms} up")
    collector = bench.collector(queue__retain_hours=1)
    bench.wait_counted()
    wait_for(lambda: bench.keys.xlen(STREAM) < 400, what="entries are trimmed")
    wait_for(lambda: bench.keys.smembers("brinco:streams") == {STREAM}, what="a stream is let go")
    left = [entry.sequence for entry in clicks.stream_entries(bench.keys)]
    assert left[-250:] == list(range(1001, 1251))
    assert bench.keys.xinfo_stream(silent)["last-generated-id"].endswith("-30")
    assert bench.keys.hget("brinco:mark", silent).endswith("-30")
    assert collector.metrics().sum("brinco_collector_trimmed_total") >= 900
    bench.assert_exact()


def test_nothing_is_trimmed_that_is_not_counted(bench):
    bench.keys.set("brinco:stats:zone", "Europe/Berlin")
    bench.feed(bench.make(500, int(time.time() * 1000) - 30 * HOUR_MS))
    collector = bench.collector(start=False, queue__retain_hours=1)
    collector.start(wait=False)
    wait_unready(collector, "Europe/Berlin")
    time.sleep(0.5)
    assert bench.keys.xlen(STREAM) == 500


def test_without_streams_the_role_says_so(bench):
    collector = bench.collector(queue__kind="none")
    assert "there is no stream to count from" in collector.readyz()[1]
    assert "collector_idle" in collector.log()


def test_taps_are_counted_within_two_seconds_and_all_of_them_at_the_end(make_system):
    system = make_system(serve__roles="edge collector api")
    began = time.monotonic()
    system.tap("AB12CD")
    wait_for(lambda: counted(system.keys) == 1, 2)
    assert time.monotonic() - began < 2
    with Load(system.brinco.port, ["AB12CD"]) as load:
        wait_for(lambda: load.count() >= 500)
    system.brinco.stop()
    entries = system.clicks()
    clicks.assert_all_counted_once(entries, load.ids())
    assert counted(system.keys) == len(entries)


def test_sigterm_ends_in_time_although_redis_is_frozen(bench):
    collector = bench.collector()
    bench.feed(bench.make(100))
    bench.wait_counted()
    bench.server.freeze()
    began = time.monotonic()
    collector.stop()
    assert time.monotonic() - began < 8
    bench.server.resume()


def test_a_reload_changes_how_long_the_queue_is_kept(bench):
    now_ms = int(time.time() * 1000)
    bench.feed(bench.make(500, now_ms - 30 * HOUR_MS))
    collector = bench.collector(start=False)
    config = bench.place / "brinco.conf"
    config.write_text("[queue]\nretain_hours = 72\n", encoding="utf-8")
    collector.start("-c", config, wait=False).ready()
    bench.wait_counted()
    config.write_text("[queue]\nretain_hours = 1\n", encoding="utf-8")
    collector.signal(1)
    wait_for(lambda: "event=reloaded" in collector.log())
    assert "needs_restart" not in collector.log()
    assert bench.keys.xlen(STREAM) == 500
