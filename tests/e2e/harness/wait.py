"""Waiting for something that happens on its own time, and choosing ports for it."""

import random
import socket
import time

GENEROUS_SECONDS = 30


def wait_for(condition, seconds=GENEROUS_SECONDS, what=None):
    """Calls condition until it is true and returns what it returned; fails with `what` (a text,
    or a function that makes one)."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what or getattr(condition, "__name__", "it")
            raise AssertionError(f"not within {seconds} s: {text}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


class Port:
    """A TCP port on 127.0.0.1 that nobody else takes.

    Listeners with SO_REUSEPORT would share a port without noticing, so a port is held by a UDP
    socket of the same number for as long as this object lives. The range lies below the one the
    kernel picks clients' ports from.
    """

    def __init__(self):
        for _ in range(200):
            number = random.randrange(12000, 32000)
            holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                holder.bind(("127.0.0.1", number))
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
            except OSError:
                holder.close()
                continue
            self.number, self._holder = number, holder
            return
        raise AssertionError("no free port")

    def close(self):
        self._holder.close()
