"""One run of bench/run: its options, its folder, its children."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from .failure import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD_SECONDS_MAX = 900
ROUNDS = 5
# Reserved for documentation but for the first, which is where the load comes from: a /24 lies as
# deep in the tree as most of what a real database knows.
NETWORKS = "127.0.0.0/24 MX CMX\n203.0.113.0/24 US CA\n2001:db8::/32 MX\n"


class Bench:
    """work is a folder that goes when the run ends; server_core runs what is measured, load_core
    what asks and answers it."""

    def __init__(self, quick=False, rounds=None, build=None):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise Failure("two cores are needed: one for the server, one for the load")
        self.quick = quick
        self.rounds = rounds or ROUNDS
        self.is_build_given = build is not None
        self.build = pathlib.Path(build or ROOT / "build").absolute()
        self.server_core, self.load_core = cores[:2]
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="brinco-bench-"))
        # nginx's and HAProxy's workers give up root, and must get at their files.
        self.work.chmod(0o755)
        self.children = []
        self._made = 0
        self._programs = {}
        self._geo = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def end_children(self):
        while self.children:
            self.children.pop().kill()

    def close(self):
        self.end_children()
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def folder(self, name):
        """A new one in work."""
        self._made += 1
        path = self.work / f"{self._made:03}-{name}"
        path.mkdir()
        return path

    def binary(self, name):
        """Of the build folder: `brinco`, or a program of bench/. Our own folder is brought up to
        date once a run; one that was named is taken as it is, and only what lacks is made."""
        if name not in self._programs:
            found = self._find(name) if self.is_build_given else None
            self._programs[name] = found or self._make(name)
        return self._programs[name]

    def _make(self, name):
        if not (self.build / "CMakeCache.txt").exists():
            self._run(["cmake", "--preset", "release", "-B", self.build])
        self.say(f"  building {name}")
        self._run(["cmake", "--build", self.build, "--parallel", os.cpu_count(),
                   "--target", name])
        found = self._find(name)
        if found is None:
            raise Failure(f"{self.build} has no program {name}")
        return found

    def _find(self, name):
        return next((path for path in (self.build / name, self.build / "bench" / name)
                     if path.is_file()), None)

    def _run(self, command):
        command = [str(word) for word in command]
        outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                                 timeout=BUILD_SECONDS_MAX)
        if outcome.returncode != 0:
            raise Failure(f"{' '.join(command)}:\n{outcome.stdout[-3000:]}{outcome.stderr[-3000:]}")

    def geo(self):
        """A database that knows where the load comes from."""
        if self._geo is None:
            path = self.work / "city.mmdb"
            outcome = subprocess.run([ROOT / "tests/tools/make-mmdb", path], input=NETWORKS,
                                     capture_output=True, text=True, check=False)
            if outcome.returncode != 0:
                raise Failure(f"tests/tools/make-mmdb (scripts/setup test installs what it "
                              f"needs):\n{outcome.stderr}")
            self._geo = path
        return self._geo
