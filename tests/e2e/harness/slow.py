"""Clients that take their time. They take a minute of it, so they begin before the first test."""

import threading
import time

from . import agents
from .http import Connection, request

TAP = request("/AB12CD", agent=agents.ANDROID)


class Slow(threading.Thread):
    """A client on a connection of its own; `seconds` tells when the server closed it."""

    def __init__(self, system, behave):
        super().__init__(daemon=True)
        self.system = system
        self.connection = Connection(system.brinco.port, timeout=100)
        self.behave, self.seconds, self.began = behave, None, time.monotonic()
        self.start()

    def run(self):
        try:
            self.behave(self)
            while self.connection.socket.recv(65536):
                pass
        except OSError:
            pass
        self.seconds = time.monotonic() - self.began


def send_nothing(_):
    pass


def send_half(slow):
    slow.connection.send(TAP[: len(TAP) // 2])


def drip(slow):
    """A byte now and then does not buy more time for the same head."""
    for byte in TAP[:-1]:
        slow.connection.send(bytes([byte]))
        time.sleep(0.2)


def drip_after_a_tap(slow):
    slow.connection.ask(TAP)
    drip(slow)


def idle_after_a_tap(slow):
    slow.connection.ask(TAP)


def start_all(system):
    behaviours = (send_nothing, send_half, drip, drip_after_a_tap, idle_after_a_tap)
    return {behave.__name__: Slow(system, behave) for behave in behaviours}
