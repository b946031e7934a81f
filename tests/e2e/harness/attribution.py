"""The programs of docs/attribution, as a backend imports them and as a shell runs them."""

import importlib.util
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / "docs/attribution"
PAGE = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")


def module(name):
    """One of the programs, as a backend would import it."""
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def program(name, *words, stdin=b"", **environment):
    """One of the programs, as a shell would run it: exit status, what it printed, what it said."""
    outcome = subprocess.run([sys.executable, "-B", PROGRAMS / f"{name}.py", *map(str, words)],
                             input=stdin, capture_output=True, timeout=60, check=False,
                             env={"PATH": os.environ["PATH"], **environment})
    assert b"Traceback" not in outcome.stderr, outcome.stderr.decode()
    return outcome.returncode, outcome.stdout.decode(), outcome.stderr.decode()
