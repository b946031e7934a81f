"""What every suite of bench/run is written with.

  from rig import Brinco, Table, redis, wrk

  def run(bench):
      with redis(bench) as store, Brinco(bench, store, {}, bench.server_core) as server:
          before = server.cpu_ns()
          load = wrk(bench, server.port, "/AB12CD", connections=64, seconds=3)
          spent = server.cpu_ns() - before
      ...

Everything that is started here ends with the run, however the run ends (process.py). Start it from
the main thread: the kernel ends a child with the thread that made it.
"""

from . import machine
from .bench import Bench
from .brinco import Brinco
from .failure import Failure
from .heads import PHONE, SMALL, head_of
from .load import Load, ask, wrk
from .process import Cpu, Process, free_port, wait_for
from .redis import Redis, redis
from .table import Table

__all__ = ["Bench", "Brinco", "Cpu", "Failure", "Load", "PHONE", "Process", "Redis", "SMALL",
           "Table", "ask", "free_port", "head_of", "machine",
           "redis", "wait_for", "wrk"]
