"""clang-tidy over the program's sources, with the checks of .clang-tidy.

Takes about a second a file. A file that was clean is not looked at again until it, a header, its
compile command or .clang-tidy changes: build-asan/tidy remembers.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess

from tree import ROOT, assert_none, files, name

BUILD = ROOT / "build-asan"
FILE_SECONDS_MAX = 120


def compile_commands():
    """Source to its compile command. Those of build-asan: they have no GCC-only options."""
    entries = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    return {entry["file"]: entry["command"] for entry in entries}


def digest(path, command, common):
    return hashlib.sha256(b"\0".join([path.read_bytes(), command.encode(), common])).hexdigest()


def tidy(path):
    outcome = subprocess.run(["clang-tidy", "--quiet", "-p", BUILD, path], cwd=ROOT, text=True,
                             capture_output=True, timeout=FILE_SECONDS_MAX, check=False)
    found = re.findall(r"^.*(?:error|warning): .*$", outcome.stdout, re.MULTILINE)
    return found if outcome.returncode == 0 else found or [outcome.stdout + outcome.stderr]


def test_clang_tidy_finds_nothing():
    remembered = BUILD / "tidy"
    remembered.mkdir(exist_ok=True)
    shared = files("include/**/*.h", "src/**/*.h", ".clang-tidy")
    common = hashlib.sha256(b"\0".join(path.read_bytes() for path in shared)).digest()
    commands = compile_commands()
    to_do = {}
    for path in files("src/**/*.c"):
        key = digest(path, commands.get(str(path), ""), common)
        if not (remembered / key).exists():
            to_do[path] = key

    complaints = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, found in zip(to_do, pool.map(tidy, to_do)):
            complaints += found
            if not found:
                (remembered / to_do[path]).write_text(name(path))
    assert_none(complaints)
