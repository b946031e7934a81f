"""wrk, and what it says."""

import re
import resource
import socket
import subprocess
import typing

from .failure import Failure
from .heads import SMALL, head_of
from .process import Process

UNITS_US = {"us": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000}
GRACE_S = 30


class Load(typing.NamedTuple):
    """What wrk saw. Its latencies are of a closed loop: as many requests are under way as there
    are connections, so that they tell how long the queue is, not how it would be for people."""

    requests: int
    seconds: float
    per_second: float
    p50_us: float
    p99_us: float
    cpu_ns: int  # wrk's own


def ask(port, path, fields=None, seconds=5):
    """One answer's bytes up to the end of its head; empty when nobody is there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(head_of(path, {**(SMALL if fields is None else fields),
                                              "Connection": "close"}))
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = connection.recv(65536)
                if not piece:
                    return b""
                answer += piece
            return answer
    except OSError:
        return b""


def wrk(bench, port, path, connections, seconds, close=False, lua=None, headers=None, core=None):
    """Asks for path as fast as answers come, with one thread on the load's core. Every answer
    must be a redirect: one is looked at, before and after, and wrk counts what is 400 or more.

    headers: the fields of a request (SMALL). lua: text of a wrk script, which may make other
    requests of wrk.headers. close: a new connection for every request."""
    fields = dict(SMALL if headers is None else headers)
    if close:
        fields["Connection"] = "close"
    _must_redirect(port, path, fields)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    for name, value in fields.items():
        command += ["-H", f"{name}: {value}"]
    if lua is not None:
        script = bench.folder("wrk") / "load.lua"
        script.write_text(lua)
        command += ["-s", script]
    process = Process(bench, [*command, f"http://127.0.0.1:{port}{path}"],
                      bench.load_core if core is None else core, stdout=subprocess.PIPE,
                      stderr=subprocess.STDOUT)
    text, cpu_ns = _finish(process, seconds + GRACE_S)
    load = _understand(text, cpu_ns)
    _must_redirect(port, path, fields)
    return load


def _must_redirect(port, path, fields):
    answer = ask(port, path, fields)
    if not answer.startswith(b"HTTP/1.1 30") or b"\nlocation:" not in answer.lower():
        raise Failure(f"port {port} does not redirect {path}: {answer[:300]!r}")


def _finish(process, seconds):
    """Its text, and the processor time that it took: known when it has ended, not before."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        text = process.child.communicate(timeout=seconds)[0].decode()
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise Failure("wrk does not come to an end") from error
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.child.returncode != 0:
        raise Failure(f"wrk: {text}")
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return text, int(used_s * 1e9)


def _understand(text, cpu_ns):
    wrong = re.findall(r"^\s*(?:Socket errors|Non-2xx or 3xx).*$", text, re.MULTILINE)
    if wrong:
        raise Failure(f"not every request was redirected:\n{chr(10).join(wrong)}\n{text}")
    done = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if done is None or rate is None or int(done[1]) == 0:
        raise Failure(f"wrk has nothing to say:\n{text}")
    return Load(int(done[1]), float(done[2]) * UNITS_US[done[3]] / 1e6, float(rate[1]),
                _percentile(text, 50), _percentile(text, 99), cpu_ns)


def _percentile(text, percent):
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
    if found is None:
        raise Failure(f"wrk says no {percent}th percentile:\n{text}")
    return float(found[1]) * UNITS_US[found[2]]
