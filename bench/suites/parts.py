"""What each stage of a tap costs by itself (bench/parts.c): nanoseconds and instructions."""

import re
import subprocess

import counting
from rig import Failure, Table, machine

TITLE = "each stage by itself: nanoseconds, and instructions under callgrind"
QUICK = True

COUNTED = 2048     # operations under callgrind
SLOW = {"find-1000000"}  # takes half a minute to fill there, and counts what find-1000 counts
SECONDS_MAX = 60
NETWORKS = "189.0.0.0/9 MX CMX\n189.203.0.0/16 MX MEX\n189.128.0.0/9 MX JAL\n190.0.0.0/8 AR C\n"
# As the name says, of a second; the others have no goal of their own.
JOURNAL_GOAL = 10_000_000


def geo_of(bench):
    path = bench.folder("parts") / "networks.mmdb"
    outcome = subprocess.run([counting.ROOT / "tests/tools/make-mmdb", path], input=NETWORKS,
                             capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise Failure(f"tests/tools/make-mmdb (scripts/setup test installs what it needs):\n"
                      f"{outcome.stderr}")
    return path


def ask(bench, words, core=None):
    pinned = ["taskset", "-c", core, *words] if core is not None else words
    outcome = subprocess.run(list(map(str, pinned)), capture_output=True, text=True, check=False,
                             timeout=SECONDS_MAX)
    if outcome.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))}: {outcome.stderr}")
    return outcome.stdout


def time_part(bench, words):
    """The median of its runs, as the program says it."""
    said = ask(bench, words, bench.server_core)
    return float(re.search(r" ns=([\d.]+)", said)[1])


def run(bench):
    program, geo = bench.binary("parts"), geo_of(bench)
    parts = [line.split(None, 1) for line in ask(bench, [program, "--list"]).splitlines()]
    has_valgrind = machine.version("valgrind") is not None
    rows = []
    for name, what in parts:
        row = {"part": name, "ns": time_part(bench, [program, name, "--geo", geo]), "what": what}
        row["a second"] = round(1e9 / row["ns"])
        if has_valgrind and not (bench.quick and name in SLOW):
            words = [program, name, "--once", "--rounds", COUNTED, "--geo", geo]
            row["instructions"] = round(counting.run_counted(
                words, bench.folder("callgrind") / "out", "parts_measured") / COUNTED, 1)
        rows.append(row)
        bench.say(f"  parts: {name}: {row['ns']:.1f} ns, {row.get('instructions', '-')} "
                  "instructions")
    notes = ["ns: processor time, the median of 9 runs, of an operation with what it takes to "
             "repeat it.",
             "Instructions: under callgrind, where the processor has AVX2 but neither AVX-512 nor "
             "SHA-NI: the same on every machine with these libraries."]
    if not has_valgrind:
        notes.append("valgrind is not installed (scripts/setup bench): no instructions.")
    return [Table("Parts", ["part", "ns", "instructions", "a second", "what"], rows, notes,
                  goals={("journal", "a second"): (">=", JOURNAL_GOAL)})]
