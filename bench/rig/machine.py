"""Where a run was made: without it, its figures say nothing."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

# What asks a program for its version; the first number in the answer is it.
VERSIONS = {
    "wrk": ["wrk", "-v"],
    "nginx": ["nginx", "-v"],
    "haproxy": ["haproxy", "-v"],
    "h2o": ["h2o", "--version"],
    "redis": ["redis-server", "--version"],
    "valgrind": ["valgrind", "--version"],
    "gcc": ["gcc", "--version"],
}


def version(program):
    """None: not installed."""
    try:
        outcome = subprocess.run(VERSIONS[program], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    found = re.search(r"\d+\.\d+[\d.]*", outcome.stdout + outcome.stderr)
    return found[0].rstrip(".") if found else "unknown"


def facts():
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(),
                    re.MULTILINE)
    return {
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "load_average": list(os.getloadavg()),
        "versions": {name: version(name) for name in VERSIONS},
    }


def sentence(of):
    versions = ", ".join(f"{name} {number}" for name, number in of["versions"].items() if number)
    load = " ".join(f"{value:.2f}" for value in of["load_average"])
    return (f"{of['at']}, Linux {of['kernel']}, {of['cores']} cores of {of['cpu']}, load {load}\n"
            f"{versions}")
