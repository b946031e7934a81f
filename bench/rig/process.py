"""Children that end with us, pinned to a core, and what they have used.

A child leads a session of its own, so Ctrl-C reaches bench/run alone, which then ends its
children in order; and the kernel ends them should bench/run be killed.
"""

import contextlib
import ctypes
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import time
import typing

from .failure import Failure

PATIENCE_S = 30
PR_SET_PDEATHSIG = 1
NICE = -20
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None, use_errno=True)


class Cpu(typing.NamedTuple):
    """Processor time in nanoseconds."""

    user: int
    system: int

    @property
    def total(self):
        return self.user + self.system

    def __add__(self, other):
        return Cpu(self.user + other.user, self.system + other.system)

    def __sub__(self, other):
        return Cpu(self.user - other.user, self.system - other.system)


def wait_for(condition, what, seconds=PATIENCE_S):
    """Until condition() is true. what: a text, or a function that makes it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain: {what() if callable(what) else what}")
        time.sleep(0.01)


def free_port():
    """A port of 127.0.0.1 that nobody listened on a moment ago, outside the range from which the
    kernel gives clients theirs: a load with many connections would take it away."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first = 10_000 + os.getpid() % 1000 * 16
    for port in [*range(first, low), *range(10_000, first)]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in free_port.given:
                free_port.given.add(port)
                return port
    raise Failure("no port is free")


free_port.given = set()


class Process:
    """One child. core: one, several, or None for all. Started with a high priority if we may, so
    that what else the machine does disturbs less."""

    def __init__(self, bench, command, core=None, log=None, user=None, **options):
        """log: a path for stdout and stderr; without it stdout goes where options say. user: whom
        it runs as if we are root; a process that changes its user by itself would outlive us."""
        self.command = [str(word) for word in command]
        self.log = log
        cores = {core} if isinstance(core, int) else set(core or ())
        if log is not None:
            options["stdout"] = options["stderr"] = open(log, "ab")
        try:
            self.child = subprocess.Popen(
                self.command, stdin=options.pop("stdin", subprocess.DEVNULL),
                start_new_session=True, preexec_fn=lambda: self._prepare(cores, user), **options)
        except OSError as error:
            raise Failure(f"{self.command[0]} cannot be started: {error.strerror}") from error
        finally:
            if log is not None:
                options["stdout"].close()
        bench.children.append(self)

    @staticmethod
    def _prepare(cores, user):
        if cores:
            os.sched_setaffinity(0, cores)
        # Where the kernel groups processes by session, a nice value counts within the session only,
        # and the group has one of its own.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
            pathlib.Path("/proc/self/autogroup").write_text(str(NICE))
        if user is not None and os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
        # Last: a change of user forgets it.
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def complaint(self, lines=15):
        """What it said last."""
        if self.log is None or not pathlib.Path(self.log).exists():
            return ""
        text = pathlib.Path(self.log).read_text(errors="replace")
        return "\n".join(text.split("\n")[-lines:])

    def must_live(self):
        if not self.alive():
            raise Failure(f"{self.command[0]} has ended with {self.child.returncode}\n"
                          f"{self.complaint()}")

    def family(self):
        """Its id and those of its children: nginx and h2o work in children of a master."""
        found, left = [], [self.pid]
        while left:
            pid = left.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                left += map(int, _read(task).split())
        return found

    def cpu_ns(self):
        """Used so far by all threads of it and of its children. The scheduler counts the sum in
        nanoseconds; how much of it was in user mode is only known in ticks."""
        total = user = 0
        for pid in self.family():
            for task in pathlib.Path(f"/proc/{pid}/task").glob("[0-9]*"):
                total += int((_read(task / "schedstat").split() or [0])[0])
                fields = _read(task / "stat").rpartition(") ")[2].split()
                user += int(fields[11]) * TICK_NS if fields else 0
        user = min(user, total)
        return Cpu(user, total - user)

    def waited_ns(self):
        """How long its threads have been ready to run while something else had their core."""
        return sum(int((_read(task).split() or [0, 0])[1]) for pid in self.family()
                   for task in pathlib.Path(f"/proc/{pid}/task").glob("[0-9]*/schedstat"))

    def sleeps(self):
        """How often its threads have gone to sleep because there was nothing to do."""
        return sum(int(count) for pid in self.family()
                   for task in pathlib.Path(f"/proc/{pid}/task").glob("[0-9]*")
                   for count in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)$",
                                           _read(task / "status"), re.MULTILINE))

    def rss(self):
        """Resident bytes, of its children too."""
        pages = sum(int((_read(f"/proc/{pid}/statm").split() or [0, 0])[1])
                    for pid in self.family())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number):
        if self.alive():
            self.child.send_signal(number)

    def end(self, seconds=PATIENCE_S):
        """SIGTERM, and after a while SIGKILL to its whole group. The exit code."""
        if self.alive():
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        return self.child.returncode

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()


def _read(path):
    """A file of /proc; empty when the process has gone meanwhile."""
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


class Served:
    """What has a process of its own, once it is started, and is asked about it."""

    process = None

    @property
    def pid(self):
        return self.process.pid

    def cpu_ns(self):
        return self.process.cpu_ns()

    def rss(self):
        return self.process.rss()
