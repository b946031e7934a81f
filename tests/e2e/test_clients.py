"""Clients that cost something: too many of them, and those that do not play along."""

import resource
import socket
import time

from harness import agents
from harness.brinco import SANITIZED
from harness.http import Connection, request
from harness.wait import wait_for

TAP = request("/AB12CD", agent=agents.ANDROID)


def open_connections(system):
    return system.brinco.metrics().sum("brinco_connections_open")


def assert_calm(system, seconds=1.0):
    """No spinning: hardly any CPU while nothing happens."""
    before = system.brinco.cpu_seconds()
    time.sleep(seconds)
    used = system.brinco.cpu_seconds() - before
    assert used < 0.15 * seconds, f"{used:.2f} s of CPU in {seconds} s"


def test_out_of_file_descriptors_it_neither_spins_nor_crashes_and_service_resumes(make_system):
    """On the public side as on the admin side: libevent's listener alone would spin."""
    system = make_system(start=False, edge__workers=1, redis__timeout_ms=10000)
    system.brinco.start(limits=[(resource.RLIMIT_NOFILE, 64)]).ready()
    assert system.tap("AB12CD").status == 302
    admin = Connection(system.brinco.api_port)
    crowd = [Connection(system.brinco.port) for _ in range(150)]
    try:
        for connection in crowd:
            connection.send(TAP[:-1])
        late = [Connection(system.brinco.api_port) for _ in range(5)]
        time.sleep(0.3)
        assert_calm(system)
        for connection in late:
            connection.close()
        assert len(system.brinco.log().splitlines()) < 100, "nor does it fill the log"
        answered = admin.ask(request("/metrics")).text
    finally:
        for connection in crowd:
            connection.close()
        admin.close()
    assert 'brinco_connections_limit_reached_total{limit="file_descriptors"} 0' not in answered
    wait_for(lambda: system.tap("AB12CD").status == 302, what="service resumes")
    assert system.brinco.metrics().sum("brinco_connections_limit_reached_total") > 0


def test_beyond_the_connection_limit_the_longest_idle_one_makes_room(make_system):
    system = make_system(edge__workers=1, edge__max_connections=16)
    crowd = []
    for _ in range(40):
        connection = Connection(system.brinco.port)
        assert connection.ask(TAP).status == 302
        crowd.append(connection)
    assert open_connections(system) <= 16
    assert crowd[-1].ask(TAP).status == 302
    assert crowd[0].is_closed()
    metrics = system.brinco.metrics()
    assert metrics.sum("brinco_connections_closed_total", reason="evicted") >= 24
    assert metrics.sum("brinco_connections_limit_reached_total", limit="connections") > 0
    for connection in crowd:
        connection.close()


def test_a_client_that_never_reads_costs_a_bounded_little_and_is_closed(make_system):
    """It pipelines and does not read: the server stops taking more from it when both sides'
    buffers are full, and ends it after a while."""
    system = make_system(edge__workers=1)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", system.brinco.port))
        client.setblocking(False)
        sent, quiet_since = 0, time.monotonic()
        while time.monotonic() - quiet_since < 1 and sent < 200_000_000:
            try:
                sent += client.send(TAP * 100)
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
            except (BrokenPipeError, ConnectionResetError):
                break
        assert sent < 50_000_000, "it takes requests for ever"
        assert system.tap("AB12CD").status == 302, "others are served meanwhile"
        assert_calm(system)
        assert system.brinco.metrics().sum("brinco_connections_kept_bytes") < 1_000_000
        wait_for(lambda: open_connections(system) == 0, 40, "the connection is closed")
    assert system.brinco.metrics().sum("brinco_connections_closed_total",
                                       reason="write_timeout") == 1


def test_many_idle_connections_cost_little_memory_each(make_system):
    system = make_system(edge__workers=1)

    def resident_kb():
        with open(f"/proc/{system.brinco.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    warm = [Connection(system.brinco.port) for _ in range(100)]
    for connection in warm:
        connection.ask(TAP)
    before = resident_kb()
    crowd = [Connection(system.brinco.port) for _ in range(700)]
    for connection in crowd:
        assert connection.ask(TAP).status == 302
    each = (resident_kb() - before) * 1024 / len(crowd)
    for connection in warm + crowd:
        connection.close()
    assert SANITIZED or each < 8192, f"{each:.0f} bytes each"


def test_a_reset_in_the_middle_of_anything_is_survived(shared):
    for data in (b"", TAP[:10], TAP, TAP * 50, request("/reset-miss", agent=agents.ANDROID)):
        connection = Connection(shared.brinco.port)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     b"\x01\0\0\0\0\0\0\0")
        connection.send(data)
        connection.close()
    assert shared.tap("AB12CD").status == 302
