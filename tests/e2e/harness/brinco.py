"""The program under test: started, asked, stopped, killed."""

import http.client
import json
import os
import pathlib
import re
import resource
import signal
import subprocess

from .http import Connection, request, tap
from .metrics import Metrics
from .wait import Port, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("BRINCO_BIN", ROOT / "build/brinco"))

# A sanitizer's memory is not the program's alone.
SANITIZED = PROGRAM.exists() and b"__sanitizer" in PROGRAM.read_bytes()

# What a sanitizer says when it found something, and what a failed ENSURE does.
ALARM = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|ENSURE)")

ENVIRONMENT = {
    **os.environ,
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"halt_on_error=0:suppressions={ROOT / 'tests/tsan.suppressions'}",
}

# Small and quick, and with patience where the machine may be slow: a test that is about a limit
# or a timeout sets it itself.
DEFAULTS = {
    "serve.roles": "edge api",
    "edge.workers": 2,
    "journal.segment_mb": 4,
    "redis.timeout_ms": 2000,
    "serve.drain_ms": 3000,
}


def run(*arguments, stdin=None, timeout=60, cwd=None, environment=None):
    """The program once; stdout and stderr as text, exit code in returncode."""
    outcome = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True,
                             text=True, timeout=timeout, cwd=cwd, check=False,
                             env=environment or ENVIRONMENT)
    assert not ALARM.search(outcome.stderr), outcome.stderr
    return outcome


class Brinco:
    """One server. Its data folder outlives it, so another one can be started on what it left."""

    def __init__(self, directory, redis_url, **options):
        """options: of DEFAULTS and more, with `__` for the dot."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.data = directory / "data"
        self.stderr = directory / "stderr.log"
        self._ports = Port(), Port()
        self.port, self.api_port = (port.number for port in self._ports)
        self.options = {
            **DEFAULTS,
            "edge.listen": f"127.0.0.1:{self.port}",
            "api.listen": f"127.0.0.1:{self.api_port}",
            "redis.url": redis_url,
            "data.dir": self.data,
            **{key.replace("__", ".", 1): value for key, value in options.items()},
        }
        self.environment = ENVIRONMENT
        self.process = None

    def arguments(self):
        return [word for key, value in self.options.items() for word in ("-o", f"{key}={value}")]

    def start(self, *more, limits=(), wait=True):
        """limits: (resource, bytes or number) pairs that the server lives under."""
        def apply_limits():
            for kind, value in limits:
                resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]
                                          if kind == resource.RLIMIT_FSIZE else value))

        with open(self.stderr, "ab") as stderr:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", *self.arguments(), *map(str, more)], stderr=stderr,
                stdout=stderr, stdin=subprocess.DEVNULL, env=self.environment,
                preexec_fn=apply_limits if limits else None)
        if wait:
            wait_for(self._answers, what=lambda: f"brinco answers\n{self.log()[-4000:]}")
        return self

    def _answers(self):
        assert self.process.poll() is None, f"brinco has ended\n{self.log()[-4000:]}"
        try:
            return self.get("/-/healthz").status == 200
        except OSError:
            return False

    def ready(self):
        """Waits until /readyz says so. (The admin side may come up after the public one.)"""
        wait_for(self._is_ready, what=lambda: f"ready: {self.readyz()}")
        return self

    def _is_ready(self):
        try:
            return self.readyz()[0] == 200
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self, timeout=30):
        """SIGTERM; ends with 0 and without a word from a sanitizer."""
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None
        assert code == 0, f"exit {code}\n{self.log()[-6000:]}"
        self.check_log()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.check_log()

    def close(self):
        """The end of the test: a server that still runs must still end well."""
        try:
            self.stop()
        finally:
            for port in self._ports:
                port.close()

    def check_log(self):
        found = ALARM.search(self.log())
        assert not found, self.log()[max(found.start() - 200, 0):][:8000]

    def log(self):
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    def tap(self, code, agent=None, **more):
        return tap(self.port, code, agent, **more)

    def get(self, target, agent=None, headers=()):
        with Connection(self.port) as connection:
            return connection.ask(request(target, agent=agent,
                                          headers=[*headers, "Connection: close"]))

    def admin(self, path):
        """Status, headers and text of the admin side's answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        status, _, text = self.admin("/metrics")
        assert status == 200
        return Metrics(text)

    def readyz(self):
        status, _, text = self.admin("/readyz")
        return status, text

    def cli(self, *words, stdin=None, **more):
        """A subcommand on the same Redis and data folder."""
        options = ("-o", f"redis.url={self.options['redis.url']}", "-o", f"data.dir={self.data}")
        return run(*words, *options, stdin=stdin, environment=self.environment, **more)

    def secret(self):
        return (self.data / "secret").read_bytes()

    def edge_id(self):
        return (self.data / "edge-id").read_text().strip()

    def cpu_seconds(self):
        """What the process has used, user and system, so far."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        user, system = stat.rsplit(") ", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def json_log(self):
        """With log.format=json: every line, parsed."""
        return [json.loads(line) for line in self.log().splitlines()]
