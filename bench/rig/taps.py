"""bench/tap_load: taps on an open loop, over many connections, on many codes; and what servers
and the kernel have in use meanwhile."""

import json
import pathlib
import re
import select
import statistics
import subprocess
import urllib.request

from .failure import Failure
from .process import Process

GRACE_S = 120


class Taps:
    """One run of tap_load. With it, all connections are open and have been tapped once; run() is
    the load itself, so that what is read before and after it is the load's alone.

    options: those of tap_load without their dashes, `_` for `-`; True for a flag."""

    def __init__(self, bench, port, core=None, **options):
        self.bench, self.options = bench, {"port": port, **options}
        self.core = bench.load_core if core is None else core
        self.process = None

    def __enter__(self):
        words = [self.bench.binary("tap_load"), "--hold"]
        for name, value in self.options.items():
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
        self.log = self.bench.folder("taps") / "log"
        with open(self.log, "wb") as log:
            self.process = Process(self.bench, words, self.core, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=log)
        if self._line() != "ready":
            raise Failure(f"no load: {self._complaint()}")
        return self

    def __exit__(self, *_):
        process, self.process = self.process, None
        process.child.stdin.close()
        try:
            process.child.wait(GRACE_S)
        finally:
            process.kill()
            process.child.stdout.close()

    def _line(self):
        return self.process.child.stdout.readline().decode().strip()

    def _complaint(self):
        return self.log.read_text(errors="replace").strip() or "tap_load says nothing"

    def begin(self):
        self.process.child.stdin.write(b"\n")
        self.process.child.stdin.flush()

    def finish(self, errors_allowed=False):
        """What it reports, as a dict. Unless allowed, a tap that failed fails the run."""
        line = self._line()
        if not line:
            raise Failure(f"tap_load has ended: {self._complaint()}")
        report = json.loads(line)
        wrong = {name: count for name, count in report["errors"].items() if count}
        if report["answered"] == 0 or (wrong and not errors_allowed):
            raise Failure(f"{report['answered']} of {report['sent']} taps were answered; {wrong}")
        report["load_taps"] = report["taps"] - report["opening"]
        return report

    def is_done(self, seconds):
        """Waits so long at most for the report."""
        return bool(select.select([self.process.child.stdout], [], [], seconds)[0])

    def run(self, errors_allowed=False):
        self.begin()
        return self.finish(errors_allowed)


def measure(bench, server, **options):
    """Taps on a server (anything with port and cpu_ns()); the report, with user, system and cpu:
    the server's processor time of a tap in us."""
    with Taps(bench, server.port, **options) as taps:
        before = server.cpu_ns()
        report = taps.run()
        spent = server.cpu_ns() - before
    for name, ns in (("user", spent.user), ("system", spent.system), ("cpu", spent.total)):
        report[name] = ns / 1000 / report["load_taps"]
    return report


def tap_every_code(bench, server, count, pattern="L%07d", piece=1_000_000):
    """So that every link is cached. A line of progress for each piece."""
    for first in range(0, count, piece):
        with Taps(bench, server.port, code_pattern=pattern, count=count, connections=256,
                  taps=min(piece, count - first), first=first, seconds=300,
                  timeout_ms=10_000) as taps:
            taps.run()
        if count > piece:
            bench.say(f"  {min(first + piece, count):,} of {count:,} links are cached")


def interleave(rounds, measures):
    """Each of measures (name to function) once a round, A B C A B C; name to list of results."""
    results = {name: [] for name in measures}
    for _ in range(rounds):
        for name, function in measures.items():
            results[name].append(function())
    return results


def median(values):
    return statistics.median(values)


def median_ratio(values, base):
    """Of pairs of the same round."""
    return median(value / of for value, of in zip(values, base))


def memory(pid):
    """Bytes: all that is resident, and of it anonymous, of files (journal segments and the program
    itself), and shared."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {name: int(re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024
            for name, field in (("all", "VmRSS"), ("anonymous", "RssAnon"), ("file", "RssFile"),
                                ("shared", "RssShmem"))}


def kernel_slab():
    """Bytes of the kernel's own objects, of the whole machine: sockets, files, epoll items."""
    text = pathlib.Path("/proc/meminfo").read_text()
    return int(re.search(r"^Slab:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def metric(server, name):
    """The sum of a metric's samples; the server needs the role api."""
    url = f"http://127.0.0.1:{server.api_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    samples = re.findall(rf"^{name}(?:{{[^}}]*}})? ([\d.e+-]+)$", text, re.MULTILINE)
    if not samples:
        raise Failure(f"there is no metric {name}")
    return sum(map(float, samples))
