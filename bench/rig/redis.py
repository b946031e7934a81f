"""A private Redis on a Unix socket, with a campaign and links in it."""

import contextlib
import subprocess

from .failure import Failure
from .process import Process, Served, wait_for

PREFIX = "brinco:"
CAMPAIGN = "spring"
CODE = "AB12CD"
CHUNK = 20_000
ANDROID = "https://play.google.com/store/apps/details?id=mx.example.app&referrer={referrer}"


class Redis(Served):
    """path: its socket."""

    def __init__(self, bench, core=None, options=()):
        self.bench, self.core, self.options = bench, core, options
        self.directory = bench.folder("redis")
        self.path = self.directory / "redis.sock"
        self.process = None

    @property
    def url(self):
        return f"unix://{self.path}"

    def start(self):
        self.process = Process(
            self.bench,
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--unixsocketperm", "777",
             "--dir", self.directory, "--save", "", "--appendonly", "no",
             "--hash-max-listpack-entries", "128", *self.options],
            self.core, log=self.directory / "redis.log")
        wait_for(self._answers, what=lambda: f"Redis answers\n{self.process.complaint()}")
        return self

    def _answers(self):
        self.process.must_live()
        outcome = subprocess.run(["redis-cli", "-s", str(self.path), "PING"], capture_output=True,
                                 text=True, check=False)
        return outcome.stdout == "PONG\n"

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process = None

    def cli(self, *words):
        """One command; its answer as text."""
        outcome = subprocess.run(["redis-cli", "-s", str(self.path), *map(str, words)],
                                 capture_output=True, text=True, check=False)
        text = outcome.stdout.rstrip("\n")
        if outcome.returncode != 0 or text.startswith(("ERR", "WRONGTYPE", "LOADING", "OOM")):
            raise Failure(f"redis-cli {' '.join(map(str, words))}: {text}{outcome.stderr}")
        return text

    def prepare(self):
        """The campaign that all benchmarks use, and its link AB12CD."""
        self.cli("HSET", f"{PREFIX}campaign:{CAMPAIGN}", "name", "Spring", "android", ANDROID,
                 "web", "https://www.example.mx/")
        self.cli("HSET", f"{PREFIX}link:{CODE}", "campaign", CAMPAIGN)
        return self

    def load_links(self, count, template="L{:07d}", campaign=CAMPAIGN):
        """Links template.format(0) to template.format(count - 1), through a pipe: a million takes
        seconds."""
        code_bytes = len(template.format(0))
        if len(template.format(count - 1)) != code_bytes:
            raise Failure(f"codes of one length, please: {template} up to {count - 1}")
        key_bytes = len(f"{PREFIX}link:") + code_bytes
        line = (f"*4\r\n$4\r\nHSET\r\n${key_bytes}\r\n{PREFIX}link:{template}\r\n"
                f"$8\r\ncampaign\r\n${len(campaign)}\r\n{campaign}\r\n").format
        pipe = subprocess.Popen(["redis-cli", "-s", str(self.path), "--pipe"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        try:
            for first in range(0, count, CHUNK):
                pipe.stdin.write("".join(map(line, range(first, min(first + CHUNK, count))))
                                 .encode())
            said = pipe.communicate()[0].decode()
        except BrokenPipeError:
            said = pipe.stdout.read().decode()
        finally:
            pipe.kill()
            pipe.wait()
        if f"errors: 0, replies: {count}" not in said:
            raise Failure(f"loading {count} links: {said}")


@contextlib.contextmanager
def redis(bench, core=None, options=()):
    """With it runs a Redis that has the campaign and its link. It is on the load's core unless
    told otherwise."""
    store = Redis(bench, bench.load_core if core is None else core, options)
    try:
        yield store.start().prepare()
    finally:
        store.stop()
