"""Several servers against each other: A B C A B C, and what a redirect costs each of them.

All of them are there all the time and idle but for the one that is asked. A round asks each once,
in short passes, so that what slows the machine for a while slows all of them; ratios are made
within a round, and medians over the rounds. Servers have process (a Process), port and name.
"""

import contextlib
import statistics
import typing

from .load import wrk
from .taps import Taps

PASS_S = 1  # wrk knows no less
DISTURBED = 0.10  # share of a server's time in which something else had its core
IDLE = 0.02  # sleeps a redirect: that often a server had nothing to do


class Mode(typing.NamedTuple):
    """How they are asked, and in how many passes a round. path and lua as for wrk(). is_pressed: by
    bench/tap_load, which asks for AB12CD with less effort of its own than wrk, so that servers find
    more to do at once."""

    name: str
    connections: int
    passes: int
    close: bool = False
    path: str = "/AB12CD"
    lua: str = None
    is_pressed: bool = False


class Sample(typing.NamedTuple):
    """What one server did in one round, or in a part of it."""

    requests: int
    seconds: float
    user_ns: int  # processor time of the server
    system_ns: int
    load_ns: int  # and of what asked it
    waited_ns: int  # in which the server was ready and something else had its core
    sleeps: int  # of the server, because there was nothing to do
    p99_us: float

    def us(self, *fields):
        return sum(getattr(self, field) for field in fields or ("user_ns", "system_ns")) \
            / 1000 / self.requests

    def share(self, *fields):
        return sum(getattr(self, field) for field in fields) / 1e9 / self.seconds


def sum_of(samples):
    """One for all of them; the p99 is the median of theirs."""
    sums = [sum(values) for values in zip(*samples)]
    sums[-1] = statistics.median(sample.p99_us for sample in samples)
    return Sample(*sums)


def ask_once(bench, server, mode):
    process = server.process
    with contextlib.ExitStack() as opened:
        taps = None
        if mode.is_pressed:
            taps = opened.enter_context(Taps(bench, server.port, connections=mode.connections,
                                             seconds=PASS_S))
        cpu, waited, sleeps = process.cpu_ns(), process.waited_ns(), process.sleeps()
        if taps is not None:
            requests, seconds, p99_us, load_ns = pressed(taps)
        else:
            load = wrk(bench, server.port, mode.path, mode.connections, PASS_S, close=mode.close,
                       lua=mode.lua)
            requests, seconds, p99_us, load_ns = (load.requests, load.seconds, load.p99_us,
                                                  load.cpu_ns)
        cpu = process.cpu_ns() - cpu
        waited, sleeps = process.waited_ns() - waited, process.sleeps() - sleeps
    return Sample(requests, seconds, cpu.user, cpu.system, load_ns, waited, sleeps, p99_us)


def pressed(taps):
    before = taps.process.cpu_ns()
    report = taps.run()
    load_ns = (taps.process.cpu_ns() - before).total
    return (report["load_taps"], report["load_taps"] / report["rate"],
            report["latency_us"]["p99"], load_ns)


def compare(bench, mode, servers):
    """Samples by the servers' names, one a round. servers are context managers that are not
    entered yet."""
    samples = {server.name: [] for server in servers}
    with contextlib.ExitStack() as running:
        for server in servers:
            running.enter_context(server)
            ask_once(bench, server, mode)  # to warm up
        for number in range(bench.rounds):
            passes = {server.name: [] for server in servers}
            for at in range(mode.passes):
                # There and back again: what grows or shrinks steadily meets all of them alike.
                for server in servers if at % 2 == 0 else reversed(servers):
                    passes[server.name].append(ask_once(bench, server, mode))
            for name, of in passes.items():
                samples[name].append(sum_of(of))
            told = ", ".join(f"{name} {of[-1].us():.2f}" for name, of in samples.items())
            bench.say(f"  {mode.name}, round {number + 1} of {bench.rounds}, us: {told}")
    return samples


def median_of(samples, value):
    return statistics.median(map(value, samples))


def rows_of(samples, base):
    """A row of medians for each server; "x floor" is its cost against that of base in the same
    round."""
    rows = []
    for name, of in samples.items():
        ratios = [sample.us() / floor.us() for sample, floor in zip(of, samples[base])]
        rows.append({
            "server": name,
            "CPU us": median_of(of, Sample.us),
            "user": median_of(of, lambda sample: sample.us("user_ns")),
            "system": median_of(of, lambda sample: sample.us("system_ns")),
            "x floor": statistics.median(ratios),
            "from": min(ratios),
            "to": max(ratios),
            "requests/s": round(median_of(of, lambda sample: sample.requests / sample.seconds)),
            "p99 us": round(median_of(of, lambda sample: sample.p99_us)),
            "busy": percent(median_of(of, lambda sample: sample.share("user_ns", "system_ns"))),
            "load": percent(median_of(of, lambda sample: sample.share("load_ns"))),
            "sleeps": median_of(of, sleeps_of),
        })
    return rows


COLUMNS = ["server", "CPU us", "user", "system", "x floor", "from", "to", "requests/s", "p99 us",
           "busy", "load", "sleeps"]


def sleeps_of(sample):
    return sample.sleeps / sample.requests


def percent(share):
    return f"{share:.0%}"


def disturbed(samples):
    """Names of the servers whose core something else had too often."""
    return [name for name, of in samples.items()
            if median_of(of, lambda sample: sample.share("waited_ns")) > DISTURBED]


def notes_of(samples):
    """What a reader must know of these samples."""
    notes = []
    idle = [name for name, of in samples.items() if median_of(of, sleeps_of) > IDLE]
    if idle:
        notes.append(f"The load was the limit, not the server, for {', '.join(idle)}: requests/s "
                     "could be more, and falling asleep and finding little to do at once is in "
                     "their CPU.")
    if disturbed(samples):
        notes.append(f"DISTURBED: for more than {DISTURBED:.0%} of the time something else had the "
                     f"core of {', '.join(disturbed(samples))}. Measure again on a quiet machine.")
    return notes


def goals_of(samples, names, goals):
    """goals, or none where one of these servers was disturbed: that would judge something else."""
    return {} if set(names) & set(disturbed(samples)) else goals
