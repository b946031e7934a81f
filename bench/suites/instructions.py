"""Instructions that a redirect takes in user space, of the real server under callgrind.

A loader that is in step with the server decides what is in a batch: the server stands still
(SIGSTOP) while a request is written to each of CONNECTIONS connections, goes on (SIGCONT), and all
answers are read before the next batch. So a turn of its loop finds all of them, however fast or
busy the machine is. What a redirect takes is the difference of two runs that differ in the
number of redirects alone; starting, warming up and stopping are in both.

Only the worker's thread is counted: other threads wake by the clock.
"""

import concurrent.futures
import itertools
import pathlib
import signal
import socket
import time

import baseline
import counting
from rig import PHONE, SMALL, Brinco, Failure, Process, Table, head_of, redis

TITLE = "instructions of a redirect, by room and function, against bench/baseline.json"
QUICK = True

CONNECTIONS = 32
LINKS = 256        # taken in turn
WARM_UP = 16       # batches of each kind, so that every cache has what it needs
BATCHES = 100
ALONE = 640
GOAL = 3000
FUNCTIONS_SHOWN = 25
SECONDS_MAX = 60
CODE = "L{:07d}"

CACHED = "cached redirect"
PHONE_ROW = "the same, a telephone's head"
ALONE_ROW = "the same, one at a time"


class Loader:
    """In step with a server: see above."""

    def __init__(self, server):
        self.server = server
        self.codes = itertools.cycle(CODE.format(link) for link in range(LINKS))
        self.connections = [socket.create_connection(("127.0.0.1", server.port), SECONDS_MAX)
                            for _ in range(CONNECTIONS)]

    def close(self):
        for connection in self.connections:
            connection.close()

    def batch(self, fields):
        self.server.process.signal(signal.SIGSTOP)
        self._wait_until_stopped()
        for connection in self.connections:
            connection.sendall(head_of(f"/{next(self.codes)}", fields))
        self.server.process.signal(signal.SIGCONT)
        for connection in self.connections:
            self._read(connection)

    def alone(self, fields):
        connection = self.connections[0]
        connection.sendall(head_of(f"/{next(self.codes)}", fields))
        self._read(connection)

    def _read(self, connection):
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(65536)
            if not piece:
                raise Failure(f"brinco closed a connection after {answer!r}")
            answer += piece
        if not answer.startswith(b"HTTP/1.1 302 "):
            raise Failure(f"brinco did not redirect: {answer[:200]!r}")

    def _wait_until_stopped(self):
        """All threads, not only the one that took the signal."""
        deadline = time.monotonic() + SECONDS_MAX
        tasks = pathlib.Path(f"/proc/{self.server.pid}/task")
        while any(task.read_text().rpartition(") ")[2][0] not in "Tt"
                  for task in tasks.glob("*/stat")):
            if time.monotonic() > deadline:
                raise Failure("brinco does not stop")
            time.sleep(0.0002)


def count(bench, server, words, kind):
    """The worker's counts of a run with the warm-up of all kinds, and then this one's redirects."""
    out = server.directory / "callgrind"
    server.process = Process(
        bench, counting.command(words, out, "--separate-threads=yes"),
        log=server.directory / "log", env=counting.environment())
    server.ready()
    loader = Loader(server)
    for _ in range(WARM_UP):
        loader.batch(SMALL)
        loader.batch(PHONE)
        loader.alone(SMALL)
    for _ in range(BATCHES if kind in (CACHED, PHONE_ROW) else 0):
        loader.batch(SMALL if kind == CACHED else PHONE)
    for _ in range(ALONE if kind == ALONE_ROW else 0):
        loader.alone(SMALL)
    loader.close()
    server.stop()
    return counting.worker(out)


def count_all(bench):
    """Row's name to (redirects, their counts)."""
    kinds = ("", CACHED, PHONE_ROW, ALONE_ROW)
    with redis(bench) as store:
        store.load_links(LINKS, CODE)
        # A look-up that takes long under callgrind is not a failure.
        servers = [Brinco(bench, store, {"redis.timeout_ms": 10_000}, None) for _ in kinds]
        words = [server.command() for server in servers]
        # Two at a time: they share nothing from here on. A child ends with the thread that started
        # it, and these end it before they do.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = list(pool.map(count, itertools.repeat(bench), servers, words, kinds))
    redirects = {CACHED: BATCHES * CONNECTIONS, PHONE_ROW: BATCHES * CONNECTIONS, ALONE_ROW: ALONE}
    return {kind: (redirects[kind], counts.minus(found[0]))
            for kind, counts in zip(kinds[1:], found[1:])}


class Guarded(Table):
    """A table whose gate is the baseline."""

    def __init__(self, *arguments, wrong=(), **named):
        super().__init__(*arguments, **named)
        self.wrong = list(wrong)

    def passed_gates(self):
        return super().passed_gates() + self.wrong


def judged(bench, counted):
    """What fails the run, and what is to be said, of the baseline."""
    why = bench.update_baseline
    try:
        if why is not None:
            baseline.save(counted, why)
            return [], [f"bench/baseline.json was written: {why}"]
        return baseline.compare(counted, baseline.load())
    except baseline.Unusable as error:
        return [str(error)], []


def rows_of(found):
    rows = []
    for name, (redirects, counts) in found.items():
        turns = max(counts.calls["epoll_wait"], 1)
        rows.append({"redirect": name, "instructions": round(counts.total / redirects, 1),
                     "redirects": redirects, "epoll_wait": round(turns / redirects, 2)})
    return rows


def tables_of(found, wrong, notes):
    functions, groups = found[CACHED][1].per(found[CACHED][0])
    _, phone = found[PHONE_ROW][1].per(found[PHONE_ROW][0])
    _, alone = found[ALONE_ROW][1].per(found[ALONE_ROW][0])
    where = sorted({*groups, *phone, *alone}, key=lambda name: -groups.get(name, 0))
    return [
        Guarded("Instructions of a redirect, user space, the worker's thread",
                ["redirect", "instructions", "redirects", "epoll_wait"], rows_of(found),
                [f"Batches of {CONNECTIONS} in one turn of the loop, {LINKS} links in turn; "
                 "one at a time: one in each turn.",
                 "epoll_wait: calls a redirect; being stopped and continued makes one of them "
                 "return with nothing.", *notes],
                goals={(CACHED, "instructions"): GOAL}, wrong=wrong),
        Table("Where they are, by room and library",
              ["room", CACHED, "telephone", "one at a time"],
              [{"room": name, CACHED: round(groups.get(name, 0), 1),
                "telephone": round(phone.get(name, 0), 1),
                "one at a time": round(alone.get(name, 0), 1)} for name in where
               if max(of.get(name, 0) for of in (groups, phone, alone)) >= 0.5]),
        Table(f"Where they are: the {FUNCTIONS_SHOWN} functions with most, of a {CACHED}",
              ["function", "instructions"],
              [{"function": name, "instructions": round(value, 1)}
               for name, value in list(functions.items())[:FUNCTIONS_SHOWN]]),
    ]


def run(bench):
    found = count_all(bench)
    rows = {name: (counts.total / redirects, counts.per(redirects)[0])
            for name, (redirects, counts) in found.items()}
    counted = baseline.measured(rows, counting.processor(bench.binary("parts")),
                                counting.versions(bench.binary("brinco")))
    wrong, notes = judged(bench, counted)
    return tables_of(found, wrong, notes)
