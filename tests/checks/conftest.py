"""The program under these checks."""

import os
import pathlib
import subprocess

import pytest

from tree import ROOT

PROGRAM = pathlib.Path(os.environ.get("BRINCO_BIN", ROOT / "build/brinco"))


@pytest.fixture(scope="session")
def program():
    """Runs the built program; scripts/test builds it before the checks run."""
    assert PROGRAM.exists(), f"{PROGRAM} is missing: run scripts/build first"

    def run(*arguments):
        return subprocess.run([PROGRAM, *arguments], cwd=ROOT, capture_output=True, text=True,
                              timeout=20, check=False)

    run.path = PROGRAM
    return run
