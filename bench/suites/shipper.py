"""From the journals into one Redis: how fast, and for how much of our processor time.

A backlog of made-up clicks (bench/feed_journal.c) is what a server finds that comes back after an
outage. It ships as fast as Redis takes it, with a core for itself and one for Redis. Rate and
processor time are taken between the moments when a tenth and nine tenths of the clicks are there,
so that neither starting nor stopping is in them.
"""

import pathlib
import re
import shutil
import statistics
import subprocess
import time

from rig import SMALL, Brinco, Failure, Table, redis, wrk

TITLE = "from the journals into one Redis: clicks a second, our processor time a click"
QUICK = False

CLICKS = 1_000_000
LINKS = 1_000
STREAM = "brinco:clicks:bench:0"
PATIENCE_S = 300
PIPELINE = 512  # as many as the shipper sends in a batch
TAP_SECONDS = 6
CONNECTIONS = 64
PATIENT_MS = 1000  # Redis shares its core with the load
GOAL_RATE, GOAL_US = 200_000, 2.5
THREAD = "brinco-ship"
CORE = "with a core each"
# The fields of a click and values of usual size, as docs/formats.md has them.
FIELDS = ("id", "01JQ8Z6K3V5B7D9F1H3J5K7M9P", "at", "1800000000000", "code", "AB12CD7",
          "campaign", "campaign-07", "owner", "ana", "kind", "human", "outcome", "play_store",
          "country", "MX", "region", "CMX", "platform", "android", "browser", "chrome", "in_app",
          "", "language", "es-MX", "referrer", "", "source", "", "visitor", "0123456789abcdef",
          "version", "1", "network", "fedcba9876543210", "agent", "", "rule", "android")


def length(store):
    return int(store.cli("XLEN", STREAM))


def thread_ns(server):
    """Of the thread that ships."""
    for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
        if (task / "comm").read_text().strip() == THREAD:
            return int((task / "schedstat").read_text().split()[0])
    raise Failure(f"brinco has no thread {THREAD}")


def sample(store, server):
    """(clicks in the stream, seconds, our nanoseconds, of them the shipper's, Redis')."""
    return (length(store), time.monotonic(), server.cpu_ns().total, thread_ns(server),
            store.cpu_ns().total)


def rate_of(first, last):
    clicks, seconds, ours, ship, theirs = (b - a for a, b in zip(first, last))
    return {"clicks a second": round(clicks / seconds), "our us a click": ours / clicks / 1000,
            "of the shipper's thread": ship / clicks / 1000, "Redis' us": theirs / clicks / 1000,
            CORE: round(1e9 * clicks / max(ours, theirs))}


def ship_backlog(bench):
    with redis(bench) as store:
        server = Brinco(bench, store, {"queue.kind": "redis", "edge.id": "bench"},
                        bench.server_core)
        journal = server.directory / "data/journal/00"
        journal.mkdir(parents=True)
        subprocess.run([str(word) for word in (bench.binary("feed_journal"), journal, LINKS,
                                               CLICKS, int(time.time() * 1000))], check=True)
        try:
            server.start()
            deadline = time.monotonic() + PATIENCE_S
            samples = []
            while not samples or samples[-1][0] < CLICKS:
                server.process.must_live()
                if time.monotonic() > deadline:
                    raise Failure(f"the shipper does not get on\n{server.process.complaint()}")
                time.sleep(0.05)
                if store.cli("EXISTS", STREAM) == "1":
                    samples.append(sample(store, server))
        finally:
            server.stop()
            shutil.rmtree(server.directory / "data")  # a round's journal is large
        if length(store) != CLICKS:
            raise Failure(f"{length(store)} clicks in the stream instead of {CLICKS}")
    within = [found for found in samples if CLICKS / 10 <= found[0] <= CLICKS * 9 / 10]
    if len(within) < 3:
        raise Failure("shipped too fast to be measured: more CLICKS are needed")
    return rate_of(within[0], within[-1])


def xadd_alone(bench):
    """redis-benchmark, which is on the core that the shipper had."""
    with redis(bench) as store:
        before = store.cpu_ns().total
        outcome = subprocess.run(
            ["taskset", "-c", str(bench.server_core), "redis-benchmark", "-s", str(store.path),
             "-c", "1", "-P", str(PIPELINE), "-n", str(CLICKS), "--csv", "XADD", STREAM, "*",
             *FIELDS], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        theirs = store.cpu_ns().total - before
    found = re.search(r'^"XADD.*?","([\d.]+)"', outcome.stdout, re.MULTILINE)
    if found is None:
        raise Failure(f"redis-benchmark: {outcome.stdout}{outcome.stderr}")
    return {"clicks a second": round(float(found[1])), "Redis' us": theirs / CLICKS / 1000,
            CORE: round(1e9 * CLICKS / theirs)}


def tap(bench, kind):
    """What a tap costs with, and without, the shipper at work."""
    with redis(bench) as store:
        with Brinco(bench, store, {"queue.kind": kind, "edge.id": "bench",
                                    "redis.timeout_ms": PATIENT_MS}, bench.server_core) as server:
            wrk(bench, server.port, "/AB12CD", CONNECTIONS, 1, headers=SMALL)
            before, ship_before = server.cpu_ns().total, thread_ns(server)
            shipped = length(store)
            load = wrk(bench, server.port, "/AB12CD", CONNECTIONS, TAP_SECONDS, headers=SMALL)
            ours, ship = server.cpu_ns().total - before, thread_ns(server) - ship_before
            shipped = length(store) - shipped
    return {"taps a second": round(load.per_second), "our us a tap": ours / load.requests / 1000,
            "shipped of them": shipped / load.requests,
            "shipper's us a click": ship / shipped / 1000 if shipped else None}


def median_of(rows):
    found = {}
    for column in rows[0]:
        values = [row[column] for row in rows if row[column] is not None]
        if values:
            middle = statistics.median(values)
            found[column] = round(middle) if isinstance(values[0], int) else middle
    return found


def run(bench):
    bench.binary("brinco")
    rounds = {name: [] for name in ("shipper", "XADD alone", "none", "redis")}
    for number in range(bench.rounds):
        rounds["shipper"].append(ship_backlog(bench))
        rounds["XADD alone"].append(xadd_alone(bench))
        rounds["none"].append(tap(bench, "none"))
        rounds["redis"].append(tap(bench, "redis"))
        bench.say(f"  shipper: round {number + 1}: "
                  f"{rounds['shipper'][-1]['clicks a second']:,} clicks/s, "
                  f"{rounds['shipper'][-1]['our us a click']:.2f} us")
    backlog = [{"what": "the shipper", **median_of(rounds["shipper"])},
               {"what": "XADD alone, pipelined", **median_of(rounds["XADD alone"])}]
    taps = [{"queue.kind": kind, **median_of(rounds[kind])} for kind in ("none", "redis")]
    return [
        Table(f"A backlog of {CLICKS:,} clicks into one Redis",
              ["what", "clicks a second", "our us a click", "of the shipper's thread", "Redis' us",
               CORE],
              backlog, [f"{bench.rounds} rounds, medians. A core for brinco, one for Redis; Redis "
                        "without an append-only file.",
                        "XADD alone: redis-benchmark -P 512, the same fields, ids of Redis' own.",
                        f"{CORE}: from processor time, what the busier of both would manage if "
                        "nobody else used its core."],
              goals={("the shipper", "clicks a second"): (">=", GOAL_RATE),
                     ("the shipper", "our us a click"): GOAL_US}),
        Table("The shipper at work during taps",
              ["queue.kind", "taps a second", "our us a tap", "shipped of them",
               "shipper's us a click"],
              taps, ["All threads of brinco on one core; Redis shares its core with the load. What "
                     "is not shipped yet waits in the journal."]),
    ]
