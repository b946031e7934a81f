"""How long people wait while Redis freezes, or dies, and comes back."""

import contextlib
import itertools
import signal

from rig import Brinco, Table, redis
from rig.taps import Taps, median, metric

from suites.latency import GOAL_P999_US, NOTES, row_of, saturation

TITLE = "Open-loop latency during a Redis outage"
QUICK = False

CONNECTIONS = 256
LINKS = 10_000
PATTERN = "L%07d"
PART_S = 6  # before, during, after
WARM_UP_S = 2
WARM_RATE, WARM_SECONDS = 10_000, 20
GOAL_RATIO = 2
# Of what one worker answers. Half would be the goal's own measure, but Redis, which takes the
# clicks, and the load share a core, and would be late before the worker is.
SHARE = 0.25
KEEPING = ("--appendonly", "yes", "--appendfsync", "no")
PARTS = ("before", "during", "after")


def freeze(store):
    store.process.signal(signal.SIGSTOP)


def thaw(store):
    store.process.signal(signal.SIGCONT)


# What happens to Redis: it accepts and says nothing, as a machine that is lost; or it is killed and
# comes back with what it had.
OUTAGES = {
    "frozen": (freeze, thaw),
    "killed": (lambda store: store.stop(), lambda store: store.start()),
}


def outage(bench, store, server, kind, load):
    """The report of one run. Its parts are before, during and after the outage."""
    begin, end = OUTAGES[kind]
    with Taps(bench, server.port, connections=CONNECTIONS, seconds=3 * PART_S, warm_up=WARM_UP_S,
              cut=f"{PART_S},{2 * PART_S}", code_pattern=PATTERN, count=LINKS, **load) as taps:
        taps.begin()
        taps.is_done(WARM_UP_S + PART_S)
        begin(store)
        taps.is_done(PART_S)
        end(store)
        return taps.finish()


@contextlib.contextmanager
def servers(bench):
    """A Redis and a brinco that ships to it."""
    with redis(bench, options=KEEPING) as store:
        store.load_links(LINKS)
        with Brinco(bench, store, {"serve.roles": "edge api", "queue.kind": "redis"},
                    bench.server_core) as server:
            with Taps(bench, server.port, connections=CONNECTIONS, rate=WARM_RATE,
                      taps=2 * LINKS, seconds=WARM_SECONDS, code_pattern=PATTERN,
                      count=LINKS) as warm:
                warm.run()
            yield store, server


def rounds_of(bench, kind, rate, seeds):
    """A server and a Redis of its own for each round: outages leave traces."""
    reports = []
    for number in range(bench.rounds):
        with servers(bench) as (store, server):
            report = outage(bench, store, server, kind, {"rate": rate, "seed": next(seeds)})
            report["lost"] = metric(server, "brinco_clicks_lost_total")
        during = report["parts"][1]["p99.9"]
        bench.say(f"  {kind}, round {number + 1}: p99.9 during the outage {during:,.0f} us")
        reports.append(report)
    return reports


def rows_of(kind, reports):
    rows = []
    for at, part in enumerate(PARTS):
        row = row_of(f"{kind}: {part}", reports, lambda report, at=at: report["parts"][at])
        row["p99.9 ratio"] = median([report["parts"][at]["p99.9"] / report["parts"][0]["p99.9"]
                                     for report in reports])
        rows.append(row)
    rows[-1]["clicks lost"] = max(report["lost"] for report in reports)
    return rows


def run(bench):
    with servers(bench) as (_, server):
        rate = round(saturation(bench, server) * SHARE)
    seeds = itertools.count(1)
    rows, goals = [], {}
    for kind in OUTAGES:
        bench.say(f"  {kind}: {bench.rounds} rounds of {3 * PART_S} s at {rate:,} taps/s")
        reports = rounds_of(bench, kind, rate, seeds)
        rows += rows_of(kind, reports)
        goals |= {(f"{kind}: before", "p99.9"): GOAL_P999_US,
                  (f"{kind}: during", "p99.9"): GOAL_RATIO * GOAL_P999_US,
                  (f"{kind}: after", "clicks lost"): 0}
    return [Table(f"Latency during an outage of Redis (us): {rate:,} taps/s, {LINKS:,} links, all "
                  "cached", list(rows[2]), rows,
                  notes=[*NOTES,
                         f"Redis is frozen (accepts and says nothing) or killed for {PART_S} s; "
                         "clicks are shipped to it before and after. The rate is "
                         f"{SHARE:.0%} of what one worker answers, because Redis and the load "
                         "share a core. Every tap must be answered with its redirect, or the suite "
                         "fails.",
                         "before, during and after are parts of the same runs, by when a tap was "
                         "due; p99.9 ratio: to before, of the same run."],
                  goals=goals)]
