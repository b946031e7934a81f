"""HTTP/1.x at the edge of what is allowed, and beyond it (RFC 9112)."""

import re

import pytest

from harness import agents
from harness.http import Connection, raw, request
from harness.wait import wait_for

HOST = b"Host: go.example.mx\r\n"
TAP = request("/AB12CD", agent=agents.ANDROID)


def with_fields(*lines, method=b"GET", target=b"/AB12CD", version=b"HTTP/1.1"):
    return method + b" " + target + b" " + version + b"\r\n" + b"".join(lines) + b"\r\n"


# Everything that two parsers in a row could read differently: 400, and the connection is closed
# before the second request on it is looked at.
AMBIGUOUS = {
    "length and chunked": with_fields(HOST, b"Content-Length: 3\r\n",
                                      b"Transfer-Encoding: chunked\r\n"),
    "two lengths": with_fields(HOST, b"Content-Length: 3\r\n", b"Content-Length: 4\r\n"),
    "a list of lengths": with_fields(HOST, b"Content-Length: 3, 4\r\n"),
    "negative length": with_fields(HOST, b"Content-Length: -1\r\n"),
    "signed length": with_fields(HOST, b"Content-Length: +3\r\n"),
    "hexadecimal length": with_fields(HOST, b"Content-Length: 0x3\r\n"),
    "empty length": with_fields(HOST, b"Content-Length: \r\n"),
    "endless length": with_fields(HOST, b"Content-Length: 99999999999999999999999\r\n"),
    "unknown coding": with_fields(HOST, b"Transfer-Encoding: xchunked\r\n"),
    "chunked is not last": with_fields(HOST, b"Transfer-Encoding: chunked, gzip\r\n"),
    "chunked twice": with_fields(HOST, b"Transfer-Encoding: chunked\r\n",
                                 b"Transfer-Encoding: chunked\r\n"),
    "coding in 1.0": with_fields(HOST, b"Transfer-Encoding: chunked\r\n", version=b"HTTP/1.0"),
    "folded field": with_fields(HOST, b"X-A: b\r\n c\r\n"),
    "folded with a tab": with_fields(HOST, b"X-A: b\r\n\tc\r\n"),
    "first field is folded": with_fields(b" " + HOST),
    "space before the colon": with_fields(HOST, b"X-A : b\r\n"),
    "tab before the colon": with_fields(HOST, b"X-A\t: b\r\n"),
    "no colon": with_fields(HOST, b"X-A b\r\n"),
    "no name": with_fields(HOST, b": b\r\n"),
    "separator in a name": with_fields(HOST, b"X(A): b\r\n"),
    "high byte in a name": with_fields(HOST, b"X-\xc3\xa9: b\r\n"),
    "bare CR in a value": with_fields(HOST, b"X-A: b\rc\r\n"),
    "bare CR ends a line": with_fields(HOST, b"X-A: b\rX-B: c\r\n"),
    "NUL in a value": with_fields(HOST, b"X-A: b\0c\r\n"),
    "NUL in the target": with_fields(HOST, target=b"/AB\0CD"),
    "control byte in a value": with_fields(HOST, b"X-A: b\x01c\r\n"),
    "delete in a value": with_fields(HOST, b"X-A: b\x7fc\r\n"),
    "bare CR in the target": with_fields(HOST, target=b"/AB\rCD"),
    "tab in the request line": b"GET\t/AB12CD\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces in the request line": b"GET  /AB12CD HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": with_fields(HOST, target=b"/AB 12"),
    "no target": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /AB12CD\r\n" + HOST + b"\r\n",
    "fragment": with_fields(HOST, target=b"/AB12CD#x"),
    "raw UTF-8 in the target": with_fields(HOST, target=b"/\xc3\xa9"),
    "cut percent-encoding": with_fields(HOST, target=b"/AB%1"),
    "bad percent-encoding": with_fields(HOST, target=b"/AB%zz"),
    "target without slash": with_fields(HOST, target=b"AB12CD"),
    "no host": with_fields(b"X-A: b\r\n"),
    "two hosts": with_fields(HOST, HOST),
    "host with a path": with_fields(b"Host: a/b\r\n"),
    "host with user information": with_fields(b"Host: u@a\r\n"),
    "host with a space": with_fields(b"Host: a b\r\n"),
    "host with a bad port": with_fields(b"Host: a:b\r\n"),
    "host is a list": with_fields(b"Host: a, b\r\n"),
    "version 2": with_fields(HOST, version=b"HTTP/2.0"),
    "version 0.9": with_fields(HOST, version=b"HTTP/0.9"),
    "version with more digits": with_fields(HOST, version=b"HTTP/1.10"),
    "lower-case version": with_fields(HOST, version=b"http/1.1"),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "control byte in the method": with_fields(HOST, method=b"GE\x01T"),
}


@pytest.mark.short
@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_smuggling_lives_on_is_refused_and_the_connection_closed(shared, name):
    replies = raw(shared.brinco.port, AMBIGUOUS[name] + TAP)
    assert [reply.status for reply in replies] == [400]
    assert replies[0].closes


@pytest.mark.parametrize("host", ["go.example.mx", "go.example.mx:8443", "10.0.0.1", "[::1]",
                                  "[2001:db8::1]:80", "localhost"])
def test_hosts_that_are_in_order_are_taken(shared, host):
    assert shared.tap("AB12CD", host=host).status == 302


def test_a_bare_lf_is_never_taken_for_less_than_a_line_end_and_the_rest_for_a_request(shared):
    """RFC 9112 lets a server take LF alone for a line end; what matters is that one reading is
    kept: either it is refused and closed, or all lines end there."""
    data = TAP.replace(b"\r\n", b"\n")
    replies = raw(shared.brinco.port, data + with_fields(HOST, b"Connection: close\r\n"))
    assert [reply.status for reply in replies] in ([400], [302, 302])


@pytest.mark.short
@pytest.mark.parametrize("version, headers, stays_open", [
    ("1.1", [], True),
    ("1.1", ["Connection: close"], False),
    ("1.1", ["Connection: x, Close"], False),
    ("1.0", [], False),
    ("1.0", ["Connection: keep-alive"], True),
    ("1.0", ["Connection: Keep-Alive"], True),
    ("1.0", ["Connection: keep-alive, close"], False),
])
def test_connections_stay_open_as_version_and_client_say(shared, version, headers, stays_open):
    data = request("/AB12CD", agent=agents.ANDROID, headers=headers, version=version)
    with Connection(shared.brinco.port) as connection:
        reply = connection.ask(data)
        assert reply.status == 302
        assert reply.closes is not stays_open
        if version == "1.0" and stays_open:
            assert reply.header("Connection").lower() == "keep-alive"
        if stays_open:
            assert connection.ask(data).status == 302
        else:
            assert connection.is_closed()


def test_http_1_0_needs_no_host(shared):
    assert shared.tap("AB12CD", host=None, version="1.0").status == 302


def test_a_later_minor_version_is_answered_as_1_1(shared):
    assert shared.tap("AB12CD", version="1.9").status == 302


@pytest.mark.short
def test_pipelined_requests_are_answered_in_order(shared):
    for number in range(50):
        shared.link(f"pipe-{number}", url=f"https://www.example.mx/{number}")
    codes = [f"pipe-{number % 50}" for number in range(500)]
    with Connection(shared.brinco.port) as connection:
        connection.send(b"".join(request(f"/{code}", agent=agents.ANDROID) for code in codes))
        locations = [connection.read_reply().location for _ in codes]
    assert locations == [f"https://www.example.mx/{code[5:]}" for code in codes]


def test_a_pipelined_miss_is_answered_before_the_hits_behind_it(shared):
    shared.link("slow-miss", url="https://www.example.mx/slow")
    shared.link("hit", url="https://www.example.mx/hit")
    hits = request("/hit", agent=agents.ANDROID) * 3
    with Connection(shared.brinco.port) as connection:
        assert connection.ask(request("/hit", agent=agents.ANDROID)).status == 302
        shared.keys.execute_command("CLIENT", "PAUSE", "150", "ALL")
        connection.send(hits + request("/slow-miss", agent=agents.ANDROID) + hits)
        locations = [connection.read_reply().location for _ in range(7)]
    assert [location.rsplit("/", 1)[1] for location in locations] == (
        ["hit"] * 3 + ["slow"] + ["hit"] * 3)


@pytest.mark.short
def test_a_request_may_be_split_at_any_byte(shared):
    data = request("/AB12CD?s=x", agent=agents.ANDROID, headers=["Accept-Language: es-MX"])
    with Connection(shared.brinco.port) as connection:
        for cut in range(1, len(data)):
            connection.send(data[:cut])
            connection.send(data[cut:])
            assert connection.read_reply().status == 302, f"split at {cut}"


def test_a_request_may_come_byte_by_byte_with_the_next_one_behind_it(shared):
    with Connection(shared.brinco.port) as connection:
        for byte in TAP + TAP[:-1]:
            connection.send(bytes([byte]))
        assert connection.read_reply().status == 302
        connection.send(TAP[-1:] + TAP)
        assert [connection.read_reply().status for _ in range(2)] == [302, 302]


def test_empty_lines_before_a_request_are_passed_over(shared):
    """RFC 9112, section 2.2: at least one."""
    with Connection(shared.brinco.port) as connection:
        assert connection.ask(b"\r\n" + TAP).status == 302
        assert connection.ask(b"\r\n" + TAP).status == 302


@pytest.mark.parametrize("target", ["http://go.example.mx/AB12CD", "HTTP://go.example.mx/AB12CD",
                                    "https://other.example:8443/AB12CD?s=x"])
def test_absolute_form_is_taken(shared, target):
    reply = shared.brinco.get(target, agent=agents.ANDROID)
    assert reply.status == 302
    assert "utm_content%3DAB12CD" in reply.location


def test_the_host_of_an_absolute_target_counts(shared):
    """RFC 9112, section 3.2.2: Host is then ignored. It shows in the preview's og:url."""
    page = shared.brinco.get("http://right.example/AB12CD", agents.PREVIEWS["whatsapp"]).text
    assert "right.example/AB12CD" in page
    assert "go.example.mx" not in page


@pytest.mark.parametrize("target", ["/AB12CD", "/AB1%32CD", "/%41%42%31%32%43%44"])
def test_a_percent_encoded_code_is_the_same_code(shared, target):
    reply = shared.brinco.get(target, agent=agents.ANDROID)
    assert reply.status == 302
    assert "utm_content%3DAB12CD" in reply.location


def test_a_query_changes_nothing(shared):
    for target in ("/AB12CD?", "/AB12CD?a=b&c", "/AB12CD?%0d%0aX:y", "/AB12CD??//"):
        assert shared.brinco.get(target, agent=agents.ANDROID).status == 302


@pytest.mark.parametrize("headers", [["Content-Length: 5"], ["Transfer-Encoding: chunked"]])
@pytest.mark.parametrize("method, status", [("GET", 302), ("POST", 405)])
def test_a_request_that_announces_a_body_is_answered_and_its_connection_closed(
        shared, method, status, headers):
    """The body is never read, so what follows the head is not taken for a request."""
    data = request("/AB12CD", method, agents.ANDROID, headers)
    replies = raw(shared.brinco.port, data + TAP)
    assert [reply.status for reply in replies] == [status]
    assert replies[0].closes


def test_a_body_of_nothing_closes_nothing(shared):
    with Connection(shared.brinco.port) as connection:
        for _ in range(2):
            reply = connection.ask(request("/AB12CD", agent=agents.ANDROID,
                                           headers=["Content-Length: 0"]))
            assert reply.status == 302


def test_the_answer_arrives_although_the_client_is_still_sending_a_body(shared):
    """A reset must not overtake the answer."""
    data = request("/AB12CD", "POST", agents.ANDROID, ["Content-Length: 1000000"])
    with Connection(shared.brinco.port) as connection:
        connection.send(data + b"x" * 500000)
        assert connection.read_reply().status == 405


@pytest.mark.short
def test_head_is_answered_without_content_everywhere(shared):
    targets = ["/AB12CD", "/NOBODY", "/", "/-/healthz", "/-/x", "/a.b"]
    with Connection(shared.brinco.port) as connection:
        connection.send(b"".join(request(target, "HEAD", agents.ANDROID) for target in targets))
        statuses = [connection.read_reply(to_head=True).status for _ in targets]
    assert statuses == [302, 404, 404, 200, 404, 404]


def test_the_longest_request_line_that_must_be_taken_is_taken(shared):
    """8,000 bytes (RFC 9112, section 3)."""
    room = 8000 - len("GET /AB12CD? HTTP/1.1")
    assert shared.brinco.get("/AB12CD?" + "x" * room, agent=agents.ANDROID).status == 302
    assert shared.brinco.get("/AB12CD?" + "x" * (room + 1), agent=agents.ANDROID).status == 414


def test_a_hundred_fields_are_taken(shared):
    """With Host and Connection."""
    assert shared.tap("AB12CD", agent=None, headers=["X: y"] * 98).status == 302
    assert shared.tap("AB12CD", agent=None, headers=["X: y"] * 99).status == 431


def test_limits_hold_for_a_request_that_comes_in_pieces(shared):
    with Connection(shared.brinco.port) as connection:
        connection.send(b"GET /AB12CD HTTP/1.1\r\n" + HOST)
        for _ in range(20):
            connection.send(b"X-A: " + b"x" * 1000 + b"\r\n")
        reply = connection.read_reply()
        assert reply.status == 431
        assert connection.is_closed()


def test_refusals_are_counted(shared):
    def counted():
        metrics = shared.brinco.metrics()
        return {answer: metrics.sum("brinco_requests_total", answer=answer)
                for answer in ("malformed", "uri_too_long", "head_too_large",
                               "method_not_allowed", "not_a_code")}

    before = counted()
    raw(shared.brinco.port, b"x\r\n\r\n")
    raw(shared.brinco.port, b"GET /" + b"x" * 9000)
    raw(shared.brinco.port, with_fields(HOST, b"X: y\r\n" * 200))
    shared.brinco.tap("AB12CD", method="POST")
    shared.brinco.get("/a.b")
    after = counted()
    assert {key: after[key] - before[key] for key in after} == dict.fromkeys(after, 1)


def test_rubbish_of_every_kind_is_survived(shared):
    """Whatever comes, the next person is answered."""
    for data in (b"", b"\0" * 5000, b"\r\n" * 9000, b"\xff" * 20000, b"GET", b"GET / HTTP/1.1\r\n",
                 bytes(range(256)) * 8, b"A" * 100000):
        with Connection(shared.brinco.port) as connection:
            try:
                connection.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert shared.tap("AB12CD").status == 302


def test_a_client_that_leaves_while_its_tap_waits_for_redis_leaves_nothing_behind(own):
    own.keys.execute_command("CLIENT", "PAUSE", "300", "ALL")
    for number in range(50):
        connection = Connection(own.brinco.port)
        connection.send(request(f"/gone-{number}", agent=agents.ANDROID))
        connection.close()
    wait_for(lambda: own.brinco.metrics().sum("brinco_taps_waiting") == 0
             and own.brinco.metrics().sum("brinco_connections_open") == 0,
             what="all of them are gone")
    assert own.tap("AB12CD").status == 302


def test_dates_are_of_one_form(shared):
    """IMF-fixdate, RFC 9110 section 5.6.7."""
    form = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
    for target in ("/AB12CD", "/NOBODY", "/-/healthz"):
        assert form.fullmatch(shared.brinco.get(target).header("Date"))
