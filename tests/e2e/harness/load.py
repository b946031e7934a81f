"""Many taps at once, each answer remembered, so that every one of them can be looked up later."""

import threading
import time

from . import agents
from .http import Connection, request
from .tokens import click_id, token_of


class Answer:
    """code, status, location, how long it took."""

    __slots__ = ("code", "status", "location", "seconds")

    def __init__(self, code, reply, seconds):
        self.code, self.status, self.location = code, reply.status, reply.location
        self.seconds = seconds


class Load:
    """Threads that tap codes in turn until they are stopped.

    keep_alive  how many taps share a connection; 1: each has its own
    pause       seconds between two taps of a thread, so that a small machine is not the limit
    codes       a list, or a function from a running number to a code
    """

    def __init__(self, port, codes, threads=6, keep_alive=20, pause=0.002, agent=agents.ANDROID):
        self.port, self.keep_alive, self.pause, self.agent = port, keep_alive, pause, agent
        self.code_of = codes if callable(codes) else lambda n: codes[n % len(codes)]
        self.answers, self.refused, self.broken = [], [], []
        self._numbers = iter(range(10**9))
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"

    def _run(self):
        while not self._stop.is_set():
            try:
                connection = Connection(self.port)
            except OSError as error:
                self.refused.append(repr(error))
                time.sleep(0.01)
                continue
            with connection:
                self._tap_on(connection)

    def _tap_on(self, connection):
        for turn in range(self.keep_alive):
            if self._stop.is_set():
                return
            last = turn + 1 == self.keep_alive
            code = self.code_of(next(self._numbers))
            headers = ["Connection: close"] if last else []
            began = time.monotonic()
            try:
                reply = connection.ask(request(f"/{code}", agent=self.agent, headers=headers))
            except (OSError, EOFError, AssertionError) as error:
                # On a kept connection the server may have ended it before it read this request.
                self.broken.append((turn, repr(error)))
                return
            self.answers.append(Answer(code, reply, time.monotonic() - began))
            if reply.closes:
                return
            time.sleep(self.pause)

    def count(self):
        return len(self.answers)

    def statuses(self):
        return {answer.status for answer in self.answers}

    def ids(self):
        """The clicks that were answered with a redirect, as they are called in the stream."""
        ids = [click_id(token_of(a.location)) for a in self.answers if a.status == 302]
        assert len(set(ids)) == len(ids), "two answers carry the same click"
        return ids

    def slowest(self):
        return max(answer.seconds for answer in self.answers)
