"""What more links, more connections, more workers and more time do to the cost of a tap."""

import contextlib

from rig import Brinco, Failure, Table, redis, wait_for
from rig.peers import Floor
from rig.taps import (Taps, interleave, measure, median, median_ratio, memory, metric,
                          tap_every_code)

TITLE = "Growth: links, connections, workers, time"
QUICK = False

PATTERN = "L%07d"
FEW_LINKS = 1_000
# Links to cache.max_mb: what holds them.
LINKS = {FEW_LINKS: 256, 1_000_000: 256, 10_000_000: 1024}
LINKS_QUICK = {FEW_LINKS: 256, 200_000: 256}
CONNECTIONS = (64, 1_000, 10_000)
BUSY = 64
SECONDS, SECONDS_QUICK = 3, 1
ROUNDS_QUICK = 3
RATIO_MAX = 1.3

LONG_S = 60
LONG_RATE = 20_000
STOPPED_S, STARTED_S = 10, 50
MEMORY_GROWTH_MB_MAX = 32
SHIPPED_SECONDS_MAX = 120
# So that a Redis that is killed comes back with all that it had.
KEEPING = ("--appendonly", "yes", "--appendfsync", "no")


def seconds_of(bench):
    return SECONDS_QUICK if bench.quick else SECONDS


def rounds_of(bench):
    return ROUNDS_QUICK if bench.quick else bench.rounds


def row_of(name, reports, base=None):
    cpu = [report["cpu"] for report in reports]
    row = {"": name}
    for column in ("cpu", "user", "system"):
        row[f"us a tap: {column}"] = median([report[column] for report in reports])
    if base is not None:
        row["ratio"] = median_ratio(cpu, [report["cpu"] for report in base])
    row["taps/s"] = round(median([report["rate"] for report in reports]))
    return row


def columns_of(rows):
    """Of all rows, in the order in which they come first."""
    return list(dict.fromkeys(column for row in rows for column in row))


def links_table(bench):
    """One server for each number of links, all of them there, so that rounds interleave."""
    sizes = LINKS_QUICK if bench.quick else LINKS
    most = max(sizes)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(redis(bench))
        bench.say(f"  loading {most:,} links into Redis")
        store.load_links(most)
        servers = {}
        for count, cache_mb in sizes.items():
            servers[count] = stack.enter_context(Brinco(
                bench, store, {"serve.roles": "edge api", "cache.max_mb": cache_mb,
                               "redis.timeout_ms": 10_000}, bench.server_core))
            tap_every_code(bench, servers[count], count, PATTERN)
        reports = interleave(rounds_of(bench), {count: lambda count=count: measure(
            bench, servers[count], connections=BUSY, seconds=seconds_of(bench),
            code_pattern=PATTERN, count=count) for count in sizes})
        rows = []
        for count, server in servers.items():
            row = row_of(f"{count:,} links", reports[count], reports[FEW_LINKS])
            row["resident MB"] = memory(server.pid)["anonymous"] / 1e6
            row["cached"] = metric(server, "brinco_link_cache_entries")
            rows.append(row)
            if row["cached"] < count:
                raise Failure(f"{row['cached']:.0f} of {count} links are cached")
    return Table("Growth: links, all cached, each tap another one", columns_of(rows), rows,
                 notes=["ratio: to 1,000 links, of the same round; resident: anonymous memory"],
                 goals={(rows[-1][""], "ratio"): RATIO_MAX})


def connection_measures(bench, server):
    """Of the same number: most of them idle beside BUSY, or all in turn, BUSY at a time."""
    found = {}
    for count in CONNECTIONS:
        idle = {"idle": count - BUSY} if count > BUSY else {}
        found[server.name, count, "idle"] = lambda idle=idle: measure(
            bench, server, connections=BUSY, seconds=seconds_of(bench), **idle)
        if count > BUSY:
            found[server.name, count, "in turn"] = lambda count=count: measure(
                bench, server, connections=count, in_flight=BUSY, seconds=seconds_of(bench))
    return found


def connections_table(bench):
    with redis(bench) as store, Brinco(bench, store, {}, bench.server_core) as server, \
            Floor(bench, bench.server_core) as floor:
        reports = interleave(rounds_of(bench), {**connection_measures(bench, server),
                                                **connection_measures(bench, floor)})
    rows = []
    for (name, count, kind), found in reports.items():
        said = f"{count:,}" + (f", {BUSY} busy" if kind == "idle" and count > BUSY else "")
        said += f", {BUSY} in turn" if kind == "in turn" else ""
        rows.append(row_of(f"{name}: {said}", found, reports[name, BUSY, "idle"]))
    most = f"{max(CONNECTIONS):,}"
    return Table("Growth: connections", columns_of(rows), rows,
                 notes=["ratio: to 64 connections of the same server and round",
                        f"{BUSY} busy: the others are open and silent",
                        f"{BUSY} in turn: each carries a tap in its turn, {BUSY} taps at a time: "
                        "what a server has of a connection is out of the processor's caches by "
                        "then, the kernel's part of it, too, as the floor shows"],
                 goals={(f"brinco: {most}, {BUSY} {kind}", "ratio"): RATIO_MAX
                        for kind in ("busy", "in turn")})


def workers_table(bench):
    """Both on all cores, so that the load, which has a core to itself otherwise, is in the way."""
    with redis(bench) as store, contextlib.ExitStack() as stack:
        servers = {workers: stack.enter_context(
            Brinco(bench, store, {"edge.workers": workers},
                   [bench.server_core, bench.load_core])) for workers in (1, 2)}
        reports = interleave(rounds_of(bench), {workers: lambda workers=workers: measure(
            bench, servers[workers], connections=BUSY, seconds=seconds_of(bench))
            for workers in servers})
    rows = [row_of(f"{workers} worker{'s' if workers > 1 else ''}", found, reports[1])
            for workers, found in reports.items()]
    return Table("Growth: workers", columns_of(rows), rows,
                 notes=["On two cores, one of which the load is on: what matters is that a second "
                        "worker does not make a tap dearer; taps/s say how much the load left."])


def long_run(bench, name, kind, is_stopped):
    """LONG_S at LONG_RATE; what happened to clicks and memory."""
    bench.say(f"  {LONG_S} s: {name}")
    with redis(bench, options=KEEPING) as store:
        store.load_links(FEW_LINKS)
        with Brinco(bench, store, {"serve.roles": "edge api", "queue.kind": kind},
                    bench.server_core) as server, \
                Taps(bench, server.port, connections=256, rate=LONG_RATE, seconds=LONG_S,
                     code_pattern=PATTERN, count=FEW_LINKS) as taps:
            before = server.cpu_ns()
            taps.begin()
            sizes = watch(server, store, taps, is_stopped)
            report = taps.finish()
            if kind != "none":
                wait_for(lambda: shipped(store) >= report["taps"], "everything is shipped",
                         SHIPPED_SECONDS_MAX)
            spent = server.cpu_ns() - before
            row = {"": name, "us a click": spent.total / 1000 / report["load_taps"],
                   "answered": report["taps"],
                   "journaled": metric(server, "brinco_journal_records_total"),
                   "in Redis": shipped(store) if kind != "none" else None,
                   "lost": metric(server, "brinco_clicks_lost_total")}
    kept = row["in Redis"] if kind != "none" else row["journaled"]
    row["missing or double"] = abs(kept - report["taps"])
    row["memory growth MB"] = (max(sizes[STOPPED_S:]) - sizes[STOPPED_S // 2]) / 1e6
    row["p99.9 us"] = report["latency_us"]["p99.9"]
    return row


def watch(server, store, taps, is_stopped):
    """Bytes of anonymous memory, every second; stops Redis meanwhile."""
    sizes = [memory(server.pid)["anonymous"]]
    while not taps.is_done(1):
        sizes.append(memory(server.pid)["anonymous"])
        if is_stopped and len(sizes) == STOPPED_S:
            store.stop()
        if is_stopped and len(sizes) == STARTED_S:
            store.start()
    return sizes


def shipped(store):
    streams = store.cli("SMEMBERS", "brinco:streams").split()
    return sum(int(store.cli("XLEN", stream)) for stream in streams)


def long_table(bench):
    rows = [long_run(bench, "nothing shipped", "none", False),
            long_run(bench, "shipped to Redis", "redis", False),
            long_run(bench, f"Redis killed at {STOPPED_S} s, back at {STARTED_S} s", "redis", True)]
    return Table(f"Growth: {LONG_S} s at {LONG_RATE:,} taps/s", list(rows[0]), rows,
                 notes=["us a click: processor time of all of brinco's threads until everything is "
                        "shipped",
                        f"memory growth: the most anonymous memory since {STOPPED_S} s, over that "
                        f"at {STOPPED_S // 2} s"],
                 goals={"lost": 0, "missing or double": 0,
                        "memory growth MB": MEMORY_GROWTH_MB_MAX})


def run(bench):
    tables = [connections_table(bench), workers_table(bench), links_table(bench)]
    return tables if bench.quick else [*tables, long_table(bench)]
