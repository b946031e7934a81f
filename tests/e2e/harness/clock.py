"""The wall clock of brinco and Redis, moved while they run (moved_clock.c says how)."""

import mmap
import pathlib
import struct
import subprocess
import time

from .brinco import ENVIRONMENT

SOURCE = pathlib.Path(__file__).with_name("moved_clock.c")


class MovedClock:
    """Runs at its usual speed, from wherever it was set to last."""

    def __init__(self, directory):
        library, file = directory / "moved_clock.so", directory / "moved_clock"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        file.write_bytes(bytes(8))
        with open(file, "r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), 8)
        self.environment = {
            **ENVIRONMENT,
            "LD_PRELOAD": str(library),
            "MOVED_CLOCK": str(file),
            # A sanitizer wants to be the first library of all; before this one it need not be.
            "ASAN_OPTIONS": ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0",
        }

    def set(self, unix_seconds):
        self._map[:8] = struct.pack("q", int((unix_seconds - time.time()) * 1000))

    def move(self, system):
        """From its next start on, a system lives by this clock."""
        system.brinco.environment = self.environment
        system.redis.environment = self.environment
        return self
