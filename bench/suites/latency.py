"""How long people wait at half of what one worker can do, on an open loop."""

import itertools

from rig import Brinco, Table, redis
from rig.peers import Floor
from rig.taps import Taps, interleave, median

TITLE = "Open-loop latency at half load"
QUICK = False

CONNECTIONS = 256
SATURATION_SECONDS = 1.5
SECONDS, SECONDS_QUICK = 10, 3
WARM_UP_S = 1
ROUNDS_QUICK = 3
GOAL_P999_US = 2000

NOTES = (
    "Latency counts from when a tap was due on a Poisson schedule, sent or not "
    "(bench/tap_load.c). late: how late the load itself was (99.9% of its taps were less); the "
    "latencies have it in them.",
    "load at fault: rounds in which it was late by more than half of the latency: they say little "
    "of the server.",
)

def saturation(bench, server, rounds=3):
    """Taps a second on a closed loop: the median of short runs."""
    rates = []
    for _ in range(rounds):
        with Taps(bench, server.port, connections=64, seconds=SATURATION_SECONDS) as taps:
            rates.append(taps.run()["rate"])
    return median(rates)


def open_loop(bench, server, rate, seconds, seed):
    with Taps(bench, server.port, connections=CONNECTIONS, rate=round(rate), seconds=seconds,
              warm_up=WARM_UP_S, seed=seed) as taps:
        return taps.run()


def row_of(name, reports, latency=lambda report: report["latency_us"]):
    """Medians of the rounds, in us."""
    row = {"": name, "taps/s": round(median([report["rate"] for report in reports]))}
    for percentile in ("p50", "p99", "p99.9"):
        row[percentile] = median([latency(report)[percentile] for report in reports])
    row["worst round's p99.9"] = max(latency(report)["p99.9"] for report in reports)
    row["late"] = median([report["late_us"]["p99.9"] for report in reports])
    row["load at fault"] = sum(report["generator_at_fault"] for report in reports)
    return row


def run(bench):
    rounds = ROUNDS_QUICK if bench.quick else bench.rounds
    seconds = SECONDS_QUICK if bench.quick else SECONDS
    with redis(bench) as store, Brinco(bench, store, {}, bench.server_core) as server, \
            Floor(bench, bench.server_core) as floor:
        full = saturation(bench, server)
        rate = full / 2
        bench.say(f"  one worker answers {full:,.0f} taps/s; from here on {rate:,.0f}")
        seeds = itertools.count(1)
        reports = interleave(rounds, {
            "brinco": lambda: open_loop(bench, server, rate, seconds, next(seeds)),
            "floor": lambda: open_loop(bench, floor, rate, seconds, next(seeds))})
    rows = [row_of(name, found) for name, found in reports.items()]
    return [Table(f"Latency at half load (us): {rate:,.0f} taps/s over {CONNECTIONS} connections",
                  list(rows[0]), rows,
                  notes=[*NOTES, f"{rounds} rounds of {seconds} s, "
                         "interleaved. The floor says what machine and kernel make of it."],
                  goals={("brinco", "p99.9"): GOAL_P999_US})]
