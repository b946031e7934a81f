"""Counting instructions: programs under valgrind's callgrind.

Is a count the same on another machine? Callgrind counts what the program executes in user space,
not how long it takes, so load, clock rate and caches do not matter; what was executed can differ:

- by processor. The C library, libcrypto, libsodium and our own tokens choose their code when they
  see the processor. Under valgrind they see one that valgrind makes up, with the same caches
  everywhere and, of the features that are chosen by, AVX2 and BMI2 where the real one has both
  (Intel since 2013, AMD since 2015), and neither AVX-512 nor SHA-NI anywhere. `processor()` says
  what they saw; where that differs nothing may be compared (baseline.py refuses).
- by compiler and libraries: `versions()`, which are kept with every count.
- by chance (table seeds) and by time (threads that wake every few milliseconds): the parts ask
  for no chance and no time, and of a server only the thread that answers taps is counted.
- by what stands on the stack's end: the environment is always ENVIRONMENT.
"""

import os
import pathlib
import re
import subprocess

import callgrind
from rig import Failure, machine

ROOT = pathlib.Path(__file__).resolve().parents[1]

# LC_ALL and TZ decide what the C library loads. The tunable keeps what needs registers that
# valgrind does not know from being chosen by a glibc that would.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC",
               "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW"}
SECONDS_MAX = 300


def command(words, out, *options):
    if machine.version("valgrind") is None:
        raise Failure("valgrind is not installed: scripts/setup bench")
    return ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out}", *options,
            *words]


def environment():
    return {**ENVIRONMENT, **{name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}}


def run_counted(words, out, toggle):
    """Instructions that a program executes in and below the function toggle."""
    outcome = subprocess.run(
        list(map(str, command(words, out, "--collect-atstart=no", f"--toggle-collect={toggle}"))),
        env=environment(), capture_output=True, text=True, check=False, timeout=SECONDS_MAX)
    if outcome.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))}, under callgrind:\n{outcome.stderr[-2000:]}")
    found = re.search(r"^(?:totals|summary): (\d+)", pathlib.Path(out).read_text(), re.MULTILINE)
    if found is None or int(found[1]) == 0:
        raise Failure(f"callgrind saw nothing of {toggle} in {' '.join(map(str, words))}")
    return int(found[1])


def worker(out):
    """Of a server that ran with --separate-threads=yes: the thread that answers taps. No other
    runs that room's code."""
    threads = callgrind.threads(out)
    if not threads:
        raise Failure(f"callgrind has written no {out}-*")
    return max(threads, key=lambda counts: counts.groups["net"])


def processor(program):
    """What libraries choose by under valgrind; program: bench/parts."""
    outcome = subprocess.run(["valgrind", "--tool=none", "--quiet", str(program), "--cpu"],
                             env=environment(), capture_output=True, text=True, check=False,
                             timeout=SECONDS_MAX)
    if outcome.returncode != 0 or not outcome.stdout.strip():
        raise Failure(f"{program} --cpu, under valgrind:\n{outcome.stderr[-2000:]}")
    return outcome.stdout.strip()


def versions(binary):
    """What made the program, and what it was counted with."""
    comment = _said(["readelf", "--wide", "--string-dump=.comment", str(binary)])
    found = re.search(r"(GCC|clang)[^\n]*?(\d+\.\d+\.\d+)", comment)
    said = {"compiler": f"{found[1].lower()} {found[2]}" if found else "unknown",
            "C library": " ".join(os.confstr("CS_GNU_LIBC_VERSION").split()),
            "valgrind": machine.version("valgrind")}
    for package in ("libevent-core-2.1-7", "libssl3", "libsodium23", "libmaxminddb0"):
        version = _said(["dpkg-query", "-W", "-f", "${Version}", package])
        if version:
            said[package] = version
    return said


def _said(words):
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
