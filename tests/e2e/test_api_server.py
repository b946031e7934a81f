"""The API's HTTP: hostile requests, limits, errors, and what is counted of them."""

import contextlib
import json
import re
import resource
import socket
import struct
import threading
import time

import pytest

from harness.api import Api
from harness.brinco import SANITIZED
from harness.http import Connection, raw, request
from harness.wait import wait_for

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def api(shared):
    return Api(shared)


def field(api):
    return f"Authorization: Bearer {api.token}"


def ask(api, target, method="GET", headers=(), body=b""):
    with Connection(api.port) as connection:
        return connection.ask(request(target, method, headers=[field(api), *headers]) + body,
                              to_head=method == "HEAD")


def problem(reply, status):
    assert reply.status == status, reply
    assert reply.header("Content-Type") == "application/problem+json"
    document = json.loads(reply.body)
    assert document["status"] == status
    return document


# --- targets ------------------------------------------------------------------------------------


@pytest.mark.short
@pytest.mark.parametrize("target", ["/v1/", "/v1/nothing", "/v1/links/", "/v1/links/a/b", "/v1//",
                                    "/v1/stats/live/", "/v1/" + "/".join("123456789"),
                                    "/%76%31/nothing", "/v1/LINKS"])
def test_an_unknown_path_is_404(api, target):
    problem(ask(api, target), 404)


@pytest.mark.parametrize("target", ["/v1/links/%", "/v1/links/%4", "/v1/links/%zz", "/v1/%",
                                    "/v1/links/%00", "/v1/links/a%0d%0aX:%20y", "/v1/links/%7f",
                                    "/v1/links/%1b%5b31m"])
def test_a_path_that_cannot_be_decoded_is_400(api, target):
    problem(ask(api, target), 400)


@pytest.mark.parametrize("code", ["A%2FB", "%2e%2e", "a%20b", "%C3%A9", "a:b", "x" * 65, "%2A",
                                  "a;DEL", "%22", "%3Cscript%3E"])
def test_what_is_no_code_touches_nothing(shared, api, code):
    before = set(shared.keys.keys("brinco:link:*"))
    for method, body in (("GET", b""), ("DELETE", b""), ("PUT", b'{"campaign":"spring"}')):
        reply = ask(api, f"/v1/links/{code}", method,
                    ["Content-Type: application/json", f"Content-Length: {len(body)}"], body)
        assert reply.status in (400, 404, 422), reply
        json.loads(reply.body)
    assert set(shared.keys.keys("brinco:link:*")) == before


@pytest.mark.parametrize("query, name", [("last=7d&last=7d", "last"), ("a=%zz", "a"),
                                         ("%6cast=7d&last=1d", "last"), ("last=%00", "last"),
                                         ("last=7d%0aX", "last"), ("=x", None),
                                         ("&".join(f"f{i}=1" for i in range(33)), None)])
def test_a_query_at_fault_is_400_and_names_the_field(api, query, name):
    document = problem(ask(api, f"/v1/stats?{query}"), 400)
    assert document.get("field") == name


def test_the_index_has_no_query(api):
    assert problem(ask(api, "/v1?pretty=1"), 400)["field"] == "pretty"


@pytest.mark.parametrize("target, allow", [
    ("/v1", "GET, HEAD"), ("/v1/stats", "GET, HEAD"), ("/v1/links", "GET, HEAD, POST"),
    ("/v1/links/x", "GET, HEAD, PUT, PATCH, DELETE"),
    ("/v1/links/bulk", "POST, GET, HEAD, PUT, PATCH, DELETE")])
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "BREW", "get"])
def test_another_method_is_405_with_allow(api, target, allow, method):
    reply = ask(api, target, method)
    problem(reply, 405)
    assert reply.header("Allow") == allow
    assert reply.header("Access-Control-Allow-Origin") is None


def test_head_is_get_without_content(api):
    for target in ("/v1", "/v1/stats?last=1d", "/v1/links/nobody", "/v1/nothing"):
        head, get = ask(api, target, "HEAD"), ask(api, target)
        assert (head.status, head.body) == (get.status, b"")
        assert head.header("Content-Type") == get.header("Content-Type")
        if target != "/v1/stats?last=1d":
            assert head.header("Content-Length") == get.header("Content-Length")


def test_every_answer_forbids_keeping_and_guessing(api):
    for target in ("/v1", "/v1/nothing", "/v1/stats", "/healthz", "/nothing"):
        reply = ask(api, target)
        assert reply.header("Cache-Control") == "no-store"
        assert reply.header("X-Content-Type-Options") == "nosniff"
        assert reply.header("Date")


# --- heads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data, status", [
    (b"GET /v1\r\n\r\n", 400),
    (b"GET /v1 HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    (b"GET /v1 HTTP/1.1\r\n\r\n", 400),
    (b"GET  /v1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /v1\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /v1 HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
    (b"GET /v1 HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400),
    (b"GET /v1 HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n", 400),
    (b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    (b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n", 400),
    (b"POST /v1/links HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    (b"POST /v1/links HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\n", 417),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET /v1 HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000 + b"\r\n\r\n", 431),
    (b"GET /v1 HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 101 + b"\r\n", 431)])
def test_a_head_that_is_none_is_a_problem_and_the_end(shared, data, status):
    replies = raw(shared.brinco.api_port, data)
    assert [reply.status for reply in replies] == [status]
    assert replies[0].closes
    problem(replies[0], status)


def test_a_second_idempotency_key_is_refused(api):
    reply = ask(api, "/v1/links", "POST", ["Idempotency-Key: a", "Idempotency-Key: b"])
    assert problem(reply, 400)["field"] == "Idempotency-Key"


def test_what_is_hidden_in_a_body_is_not_a_request(api):
    """Every way in which a length could be read in two ways ends the connection."""
    hidden = request("/healthz")
    for fields in (["Content-Length: 5"], ["Transfer-Encoding: chunked"]):
        body = b"0\r\n\r\n" if "Transfer" in fields[0] else b"hello"
        data = request("/v1", "GET", headers=[field(api), *fields, "Connection: close"]) + body
        assert len(raw(api.port, data + hidden)) == 1


# --- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target, limit", [("/v1/links", MIB), ("/v1/campaigns", MIB),
                                           ("/v1/links/bulk", 64 * MIB)])
def test_a_body_over_the_limit_is_413_that_names_it(api, target, limit):
    reply = ask(api, target, "POST", [f"Content-Length: {limit + 1}"])
    assert str(limit) in problem(reply, 413)["detail"]
    assert reply.closes
    chunked = ask(api, target, "POST", ["Transfer-Encoding: chunked"], b"%x\r\n" % (limit + 1))
    problem(chunked, 413)


def test_an_encoded_body_is_refused(api):
    reply = ask(api, "/v1/links", "POST", ["Content-Encoding: gzip", "Content-Length: 5"], b"12345")
    assert problem(reply, 415)["field"] == "Content-Encoding"


def test_a_body_that_ends_early_is_nobodys_request(shared, api):
    with Connection(api.port) as connection:
        connection.send(request("/v1/links/EARLY", "PUT", headers=[
            field(api), "Content-Type: application/json", "Content-Length: 100"]) + b"{")
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.rest() == b""
    assert not shared.keys.exists("brinco:link:EARLY")


def test_a_stranger_sends_no_body(shared):
    """What is not asked for is not taken in, however much it is."""
    memory = resident_bytes(shared)
    with Connection(shared.brinco.api_port) as connection:
        connection.send(request("/v1/links/bulk", "POST", headers=[f"Content-Length: {64 * MIB}"]))
        assert connection.read_reply().status == 401
        try:
            for _ in range(64):
                connection.send(b"x" * MIB)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert SANITIZED or resident_bytes(shared) - memory < 8 * MIB


def resident_bytes(system):
    with open(f"/proc/{system.brinco.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


# --- bulk: streamed in both directions ----------------------------------------------------------


def test_a_large_answer_waits_for_its_reader_in_little_memory(shared, api):
    """Half a million faulty lines give an answer of some 40 MiB."""
    body = b"x\n" * (MIB // 2)
    memory = resident_bytes(shared)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect(("127.0.0.1", api.port))
        client.sendall(request("/v1/links/bulk", "POST", headers=[
            field(api), f"Content-Length: {len(body)}", "Connection: close"]) + body)
        first = client.recv(1000)
        assert first.startswith(b"HTTP/1.1 200 OK\r\n"), first
        assert shared.brinco.admin("/healthz")[0] == 200
        assert SANITIZED or resident_bytes(shared) - memory < 24 * MIB
        count, tail = first.count(b"\n"), b""
        while data := client.recv(65536):
            count += data.count(b"\n")
            tail = (tail + data)[-5:]
    assert tail == b"0\r\n\r\n"
    assert count > MIB // 2


def test_a_client_that_leaves_harms_nobody(shared, api):
    """Reset in the middle of requests, bodies and answers."""
    body = b"x\n" * 100_000
    bulk = request("/v1/links/bulk", "POST", headers=[field(api), f"Content-Length: {len(body)}"])
    pieces = (request("/v1/stats", headers=[field(api)]), bulk + body)
    for piece in pieces:
        for cut in (len(piece) // 3, len(piece) - 1, len(piece)):
            for _ in range(5):
                with Connection(api.port) as connection:
                    connection.send(piece[:cut])
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                 struct.pack("ii", 1, 0))
    assert ask(api, "/v1").status == 200
    wait_for(lambda: shared.brinco.metrics().sum("brinco_api_bodies_bytes") == 0,
             what="the memory of bodies is free again")


# --- all at once, and what is counted -----------------------------------------------------------


def test_many_clients_at_once(shared, api):
    failures = []

    def work(number):
        with Connection(api.port) as connection:
            for turn in range(20):
                target = ("/v1", "/v1/stats?last=1d", "/v1/links/AB12CD", "/healthz")[turn % 4]
                reply = connection.ask(request(target, headers=[field(api)]))
                if reply.status != 200:
                    failures.append((number, target, reply))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert shared.brinco.metrics().sum("brinco_api_queue_length") == 0


def test_requests_are_counted_by_route_and_never_by_what_was_sent(shared, api):
    def counts():
        metrics = shared.brinco.metrics()
        return {(labels["method"], labels["route"], labels["class"]): value
                for name, labels, value in metrics.samples if name == "brinco_api_requests_total"}

    before = counts()
    ask(api, "/v1/links/AB12CD")
    ask(api, "/v1/links/MISSING1")
    ask(api, "/v1/links/bulk", "HEAD")
    ask(api, "/v1/hostile%22%7D%20route")
    ask(api, "/v1/stats?last=nonsense")
    after = counts()
    grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    grown.pop(("GET", "/metrics", "2xx"))
    assert grown == {("GET", "/v1/links/{code}", "2xx"): 1, ("GET", "/v1/links/{code}", "4xx"): 2,
                     ("", "", "4xx"): 1, ("GET", "/v1/stats", "4xx"): 1}


def test_no_request_makes_a_log_line_of_its_own(make_system):
    system = make_system(log__level="debug")
    api = Api(system)
    for target in ("/v1/links/a%0aevent=forged", "/v1/stats?x=%0d%0aevent=forged"):
        ask(api, target)
        ask(api, target, "DELETE")
    raw(api.port, b"GET /v1\nevent=forged HTTP/1.1\r\n\r\n")
    raw(api.port, b"event=forged\n\n\r\n\r\n")
    body = b'{"campaign":"spring","owner":"o\\nevent=forged"}'
    ask(api, "/v1/links/FORGED", "PUT",
        ["Content-Type: application/json", f"Content-Length: {len(body)}"], body)
    system.brinco.stop()
    assert not re.search(r"^event=forged|^\s*event=forged", system.brinco.log(), re.MULTILINE)


def test_sigterm_ends_what_runs_and_waits_for_no_reader(make_system):
    system = make_system()
    api = Api(system)
    with Connection(api.port) as idle, Connection(api.port) as live:
        live.send(request("/v1/stats/live", headers=[field(api)]))
        live.socket.recv(100)
        idle.send(b"GET /v1 HT")
        system.brinco.stop(timeout=10)
        assert live.rest().endswith(b"0\r\n\r\n")
        assert idle.is_closed()


def test_without_file_descriptors_it_waits_and_goes_on(make_system):
    system = make_system(start=False, serve__roles="api")
    system.brinco.start(limits=[(resource.RLIMIT_NOFILE, 40)], wait=False).ready()
    crowd = [Connection(system.brinco.api_port) for _ in range(60)]
    time.sleep(0.2)
    for connection in crowd:
        connection.close()
    metrics = wait_for(lambda: system.brinco.metrics(), what="it answers again")
    assert metrics.sum("brinco_api_accept_pauses_total", reason="descriptors") > 0


def test_a_crowd_of_strangers_costs_little(make_system):
    """256 of them, each with half a head and more pipelined than is read; the others wait."""
    system = make_system(start=False, serve__roles="api")
    system.brinco.start(wait=False).ready()
    memory = resident_bytes(system)
    crowd = [Connection(system.brinco.api_port) for _ in range(300)]
    flood = request("/metrics") * 2000
    for connection in crowd:
        connection.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            connection.socket.send(flood)
    time.sleep(1)
    grown = resident_bytes(system) - memory
    for connection in crowd:
        connection.close()
    assert SANITIZED or grown < 48 * MIB, f"{grown / MIB:.0f} MiB"
    metrics = wait_for(lambda: system.brinco.metrics(), what="it answers again")
    assert metrics.sum("brinco_api_accept_pauses_total", reason="connections") > 0
    assert metrics.sum("brinco_api_connections") <= 256
