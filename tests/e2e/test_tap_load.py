"""bench/tap_load: what it sends and counts, and that latency counts from when a tap was due."""

import collections
import json
import re
import socket
import subprocess
import threading
import time

import pytest

from harness.brinco import PROGRAM

FOUND = b"HTTP/1.1 302 Found\r\nLocation: https://a.mx/\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module", name="tap_load")
def tap_load_program():
    """Runs it; the report (or None), stderr and exit code."""
    build = PROGRAM.parent
    subprocess.run(["cmake", "--build", build, "--target", "tap_load"], check=True,
                   capture_output=True, timeout=300)

    def run(*words):
        outcome = subprocess.run([build / "bench/tap_load", *map(str, words)], text=True,
                                 capture_output=True, timeout=60, check=False)
        report = json.loads(outcome.stdout) if outcome.stdout.startswith("{") else None
        return report, outcome.stderr, outcome.returncode

    return run


class Server:
    """Answers each request with what answer(number, path) returns: bytes, several of them (pieces
    of one answer), or None to close. A thread a connection."""

    def __init__(self, answer):
        self.answer = answer
        self.sockets, self.heads, self.numbers = [], [], collections.Counter()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection, self.connections),
                             daemon=True).start()

    @property
    def connections(self):
        return len(self.sockets)

    def _serve(self, connection, name):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as lines:
            while head := self._head(lines):
                with self.lock:
                    number = len(self.heads)
                    self.heads.append(head)
                    self.numbers[name] += 1
                answer = self.answer(number, head.split(b" ")[1].decode())
                if answer is None:
                    return
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    connection.sendall(piece)
                    time.sleep(0 if isinstance(answer, bytes) else 0.005)
                if b"Connection: close\r\n" in head:
                    return

    @staticmethod
    def _head(lines):
        head = b""
        try:
            while not head.endswith(b"\r\n\r\n"):
                line = lines.readline()
                if not line:
                    return b""
                head += line
        except OSError:
            return b""
        return head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def test_every_code_comes_once_a_pass_in_another_order_each(tap_load):
    with Server(lambda number, path: FOUND) as server:
        report, _, code = tap_load("--port", server.port, "--connections", 1, "--taps", 299,
                                   "--code-pattern", "A%03dZ", "--count", 100)
    assert code == 0
    assert (report["sent"], report["answered"], report["opening"]) == (299, 299, 1)
    codes = [head.split(b" ")[1].decode() for head in server.heads]
    passes = [codes[first:first + 100] for first in (0, 100, 200)]
    for one in passes:
        assert sorted(one) == [f"/A{number:03}Z" for number in range(100)]
        assert one != sorted(one)
    assert passes[0] != passes[1] != passes[2]


def test_codes_come_from_a_file_and_an_earlier_run_is_continued(tap_load, tmp_path):
    codes = tmp_path / "codes"
    codes.write_text("".join(f"c{number}\n" for number in range(50)))
    seen = []
    with Server(lambda number, path: FOUND) as server:
        for first in (0, 25):
            report, _, code = tap_load("--port", server.port, "--connections", 1, "--taps", 24,
                                       "--codes", codes, "--first", first)
            assert (code, report["errors"]["all"]) == (0, 0)
            seen = [head.split(b" ")[1].decode() for head in server.heads]
    assert sorted(seen) == sorted(f"/c{number}" for number in range(50))


def test_a_head_of_ones_own_is_sent_as_http_wants_it(tap_load, tmp_path):
    head = tmp_path / "head"
    head.write_text("GET /%CODE%?s=%CODE% HTTP/1.1\nHost: a.mx\n")
    with Server(lambda number, path: FOUND) as server:
        _, _, code = tap_load("--port", server.port, "--connections", 1, "--taps", 3, "--close",
                              "--head", head, "--code", "XY")
    assert code == 0
    assert set(server.heads) == {
        b"GET /XY?s=XY HTTP/1.1\r\nHost: a.mx\r\nConnection: close\r\n\r\n"}
    assert server.connections == len(server.heads) == 3


def test_latency_counts_from_when_a_tap_was_due(tap_load):
    """The server stands still for 0.4 of 1 s. Who only counts from sending sees one slow tap."""
    def answer(number, path):
        time.sleep(0.4 if number == 50 else 0)
        return FOUND

    with Server(answer) as server:
        report, _, code = tap_load("--port", server.port, "--connections", 1, "--rate", 200,
                                   "--schedule", "constant", "--seconds", 1, "--cut", 0.2)
    assert code == 0
    assert report["sent"] == report["answered"] == 199
    assert report["waited"] >= 60  # 80 were due while it stood still
    assert report["latency_us"]["p90"] > 200_000 > report["service_us"]["p90"]
    assert 390_000 < report["latency_us"]["max"] < 2_000_000
    assert [part["count"] for part in report["parts"]] == [39, 160]
    assert report["parts"][0]["max"] < report["parts"][1]["max"]


def test_what_is_slow_shows_in_the_upper_percentiles(tap_load):
    def answer(number, path):
        time.sleep(0.2 if number % 4 == 0 else 0)
        return FOUND

    with Server(answer) as server:
        report, _, _ = tap_load("--port", server.port, "--connections", 1, "--taps", 16)
    times = report["latency_us"]
    assert times["count"] == 16
    assert times["p50"] < 100_000 < 200_000 <= times["p90"] <= times["max"] < 2_000_000
    assert times["p99.9"] == times["max"]


def test_each_kind_of_failure_is_counted(tap_load):
    answers = {10: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 20: None,
               30: b"SMTP ready\r\n\r\n", 40: b"", 50: FOUND * 2,
               60: b"HTTP/1.1 302 Found\r\nContent-Length: 99999999\r\n\r\n"}

    with Server(lambda number, path: answers.get(number, FOUND)) as server:
        report, _, code = tap_load("--port", server.port, "--connections", 1, "--taps", 99,
                                   "--timeout-ms", 200)
    assert code == 1
    expected = {"status": 1, "closed": 1, "malformed": 3, "timed_out": 1, "all": 6}
    assert {name: count for name, count in report["errors"].items() if count} == expected
    assert report["by_status"] == {"302": 93, "404": 1}
    assert report["answered"] == 93
    assert report["latency_us"]["max"] >= 200_000  # the one that never came is in it


def test_what_could_not_even_be_sent_is_told(tap_load):
    with Server(lambda number, path: FOUND if number == 0 else b"") as server:
        report, _, code = tap_load("--port", server.port, "--connections", 1, "--rate", 100,
                                   "--schedule", "constant", "--seconds", 0.2, "--timeout-ms", 300)
    assert code == 1
    errors = report["errors"]
    assert errors["timed_out"] >= 1
    assert errors["timed_out"] + errors["unsent"] == errors["all"] == 19
    assert report["latency_us"]["count"] == 19


def test_answers_in_pieces_and_with_a_body_are_whole(tap_load):
    body = b"HTTP/1.1 302 Found\r\ncontent-length:  5 \r\n\r\nhello"
    with Server(lambda number, path: [body[:3], body[3:30], body[30:45], body[45:]]) as server:
        report, _, code = tap_load("--port", server.port, "--connections", 2, "--taps", 20)
    assert code == 0
    assert report["answered"] == 20


def test_idle_connections_stay_idle_and_are_missed_when_they_go(tap_load):
    with Server(lambda number, path: FOUND) as server:
        report, _, code = tap_load("--port", server.port, "--connections", 2, "--idle", 10,
                                   "--taps", 30)
    assert (code, report["opening"], report["answered"], server.connections) == (0, 12, 30, 12)
    counts = sorted(server.numbers.values())
    assert counts[:10] == [1] * 10 and sum(counts[10:]) == 32

    def close_one(number, path):
        if number == 8:  # 5 opened them
            server.sockets[3].shutdown(socket.SHUT_RDWR)
            time.sleep(0.05)
        return FOUND

    with Server(close_one) as server:
        report, _, code = tap_load("--port", server.port, "--connections", 1, "--idle", 4,
                                   "--taps", 9)
    assert (code, report["answered"]) == (1, 9)
    assert (report["errors"]["idle_lost"], report["errors"]["all"]) == (1, 1)


def test_what_cannot_be_opened_is_said(tap_load):
    with Server(lambda number, path: FOUND if number < 2 else None) as server:
        report, said, code = tap_load("--port", server.port, "--connections", 1, "--idle", 4)
    assert (report, code) == (None, 2)
    assert re.search(r"^tap_load: connection \d of 5 could not be opened: closed\n$", said)


@pytest.mark.parametrize(("words", "said"), [
    ((), "--port is missing"),
    (("--port", 80, "--address", "10.0.0.1"), "not of 127.0.0.0/8"),
    (("--port", 80, "--address", "example.com"), "not of 127.0.0.0/8"),
    (("--port", 80, "--seconds", 601), "not within"),
    (("--port", 80, "--rate", "nan"), "not within"),
    (("--port", 80, "--connections", 15000, "--idle", 15000), "20000 together"),
    (("--port", 80, "--rate", 10, "--in-flight", 1), "closed loop"),
    (("--port", 80, "--code-pattern", "A%01d", "--count", 11), "no room"),
    (("--port", 80, "--code-pattern", "A%s", "--count", 11), "%0Nd"),
    (("--port", 80, "--code-pattern", "A%07d"), "belong together"),
    (("--port", 80, "--codes", "/dev/null"), "must be a file"),
    (("--port", 80, "--head", "/nowhere"), "No such file"),
    (("--port", 80, "--cut", "2,1"), "not after"),
    (("--port", 80, "--faster"), "no option --faster"),
    (("--port",), "needs a value"),
])
def test_what_makes_no_sense_is_refused_in_one_line(tap_load, words, said):
    report, stderr, code = tap_load(*words)
    assert (report, code) == (None, 2)
    assert said in stderr and stderr.count("\n") == 1
