"""What the people who run it rely on: starting, stopping, reloading, and being told the truth."""

import json
import re
import resource
import socket
import time

from harness.wait import wait_for


def check(system, name):
    """One check of /readyz: whether it holds, and its sentence."""
    report = json.loads(system.brinco.readyz()[1])
    checks = {entry["name"]: entry for entry in report["checks"]}
    return checks[name]["ok"], checks[name]["detail"]


def test_a_queue_that_refuses_clicks_is_not_ready(make_system):
    system = make_system()
    system.tap("AB12CD")
    system.wait_shipped()
    system.keys.config_set("maxmemory", 1)
    system.tap("AB12CD")
    wait_for(lambda: not check(system, "shipper")[0], what="/readyz sees that Redis refuses")
    assert "refuses" in check(system, "shipper")[1]
    system.keys.config_set("maxmemory", 0)
    wait_for(lambda: check(system, "shipper")[0], what="/readyz sees that Redis takes clicks")
    system.wait_shipped()
    assert len(system.clicks()) == 2


def test_sigterm_does_not_wait_for_a_redis_that_is_away(make_system):
    system = make_system(serve__drain_ms=20000)
    system.tap("AB12CD")
    system.redis.kill()
    system.tap("AB12CD")
    began = time.monotonic()
    system.brinco.stop()
    assert time.monotonic() - began < 5
    system.redis.start()
    system.brinco.start()
    wait_for(lambda: len(system.clicks()) == 2, what="what was left is shipped after the start")


def test_a_port_of_0_is_one_port_for_all_workers(make_system):
    system = make_system(start=False, edge__listen="127.0.0.1:0", edge__workers=2)
    system.brinco.start(wait=False)

    def ports():
        return re.findall(r"event=edge_listening host=127\.0\.0\.1 port=(\d+)",
                          system.brinco.log())

    wait_for(lambda: "event=started" in system.brinco.log(), what="it is started")
    assert len(ports()) == 1 and int(ports()[0]) > 0
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", int(ports()[0])), timeout=10) as client:
            client.sendall(b"GET /-/healthz HTTP/1.0\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_start_that_fails_takes_no_taps_and_ends_at_once(make_system):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        system = make_system(start=False,
                             api__listen=f"127.0.0.1:{taken.getsockname()[1]}")
        began = time.monotonic()
        system.brinco.start(wait=False)
        assert system.brinco.process.wait(20) == 2
        assert time.monotonic() - began < 5
        system.brinco.process = None
        last = system.brinco.log().splitlines()[-1]
        assert "event=not_started" in last and "api.listen" in last


def test_a_reload_that_would_leave_no_room_for_the_journal_changes_nothing(make_system, tmp_path):
    conf = tmp_path / "brinco.conf"
    conf.write_text("[journal]\nmax_mb = 64\n")
    system = make_system(start=False, edge__workers=2, journal__segment_mb=4)
    system.brinco.start("-c", str(conf))
    system.brinco.ready()
    conf.write_text("[journal]\nmax_mb = 8\n")
    system.brinco.signal(1)
    wait_for(lambda: "event=reload_refused" in system.brinco.log(), what="the reload is refused")
    assert "journal.max_mb" in system.brinco.log()
    assert system.tap("AB12CD").status == 302


def test_many_descriptors_are_asked_for(make_system):
    """The soft limit is raised to the hard one: connections are what the program is for."""
    system = make_system(start=False)
    soft_before = resource.getrlimit(resource.RLIMIT_NOFILE)
    system.brinco.start()
    soft, hard = resource.prlimit(system.brinco.pid, resource.RLIMIT_NOFILE)
    assert soft == hard >= soft_before[0]
