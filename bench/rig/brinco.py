"""The server that all this is about, doing its whole job."""

from .failure import Failure
from .load import ask
from .process import Process, Served, free_port, wait_for

DRAIN_MS = 1000


class Brinco(Served):
    """One worker, a GeoIP database, a journal, and nothing shipped, unless options say other."""

    name = "brinco"

    def __init__(self, bench, redis, options, core):
        """options: configuration keys (with their dot) and values, over the defaults below.
        core: one, several or None for all."""
        self.bench, self.core = bench, core
        self.directory = bench.folder("brinco")
        self.port, self.api_port = free_port(), free_port()
        self.options = {
            "serve.roles": "edge",
            "serve.drain_ms": DRAIN_MS,
            "edge.workers": 1,
            "edge.listen": f"127.0.0.1:{self.port}",
            "api.listen": f"127.0.0.1:{self.api_port}",
            "redis.url": redis.url,
            "data.dir": self.directory / "data",
            "queue.kind": "none",
            "geo.database": bench.geo(),
            "log.level": "warn",
            **options,
        }
        self.process = None

    def __enter__(self):
        return self.start().ready()

    def __exit__(self, *_):
        self.stop()

    def command(self):
        words = [self.bench.binary("brinco"), "serve"]
        for key, value in self.options.items():
            words += ["-o", f"{key}={value}"]
        return words

    def start(self):
        self.process = Process(self.bench, self.command(), self.core,
                               log=self.directory / "log")
        return self

    def ready(self):
        wait_for(self._is_well, what=lambda: f"brinco is ready\n{self.process.complaint()}")
        return self

    def _is_well(self):
        self.process.must_live()
        return ask(self.port, "/-/healthz").startswith(b"HTTP/1.1 200")

    def stop(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        lived = process.alive()
        code = process.end()
        if not lived or code != 0:
            raise Failure(f"brinco has ended with {code}\n{process.complaint()}")
