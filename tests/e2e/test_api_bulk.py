"""Many links in one request: streamed, in order, each line for itself."""

import http.client
import json
import re
import time

import pytest

from harness import openapi
from harness.api import Api
from harness.wait import wait_for

LINES = {"Content-Type": "application/x-ndjson"}
MANY = 100_000
URL = "https://www.example.mx/x"


@pytest.fixture(scope="module")
def api(shared):
    return Api(shared)


def bulk(api, lines):
    """The results, each as docs/openapi.yaml has it."""
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode()
                      for line in lines)
    status, headers, content = api.ask("POST", "/v1/links/bulk", body, LINES)
    assert status == 200, content
    openapi.check_answer("POST", "/v1/links/bulk", status, headers, content)
    results = [json.loads(line) for line in content.splitlines()]
    schema = openapi.document()["components"]["schemas"]["BulkResult"]
    for result in results[:1000]:
        openapi.check(result, schema)
    return results


def test_each_line_for_itself(shared, api):
    results = bulk(api, [
        {"code": "b1", "campaign": "spring", "owner": "ana"}, b"", b" \r", {"url": URL},
        b"nonsense", {"code": "b1", "status": "paused"}, {"code": "b1"},
        {"code": "b2", "campaign": "spring", "owner": "a\r\nSET x 1"}, {"code": "b3"},
        b'{"code":"b4","campaign":"spring","owner":"\\u0000"}', {"code": "a/b", "url": URL},
        {"code": "b5", "url": "https://a/" + "x" * 70_000}, {"code": "b6", "campaign": "later"}])
    assert [result["line"] for result in results] == [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    assert [result.get("status") for result in results] == [
        "created", "created", None, "updated", "unchanged", None, None, None, None, None,
        "created"]
    assert [result.get("field") for result in results[5:10]] == [
        "owner", "campaign", "owner", "code", None]
    assert re.fullmatch("[2-9A-HJ-NP-Z]{7}", results[1]["code"])
    assert results[-1]["warning"] == 'there is no campaign "later" yet'
    assert shared.keys.hgetall("brinco:link:b1")["status"] == "paused"
    wait_for(lambda: shared.tap("b1").status == 410)
    assert not shared.keys.exists("brinco:link:b2", "brinco:link:b4", "x")


def test_what_the_command_line_exports_can_be_sent_back(shared, api):
    shared.link("export", owner="Ñ \"q\"", expires_at="1798696800")
    first = shared.brinco.cli("link", "list", "--json").stdout.encode().splitlines()
    bulk(api, first)  # links that other hands have made get a created_at
    lines = shared.brinco.cli("link", "list", "--json").stdout.encode().splitlines()
    results = bulk(api, lines)
    assert {result["status"] for result in results} == {"unchanged"}
    assert len(results) == len(lines) == len(first)


def test_a_hundred_thousand_take_seconds(make_system):
    system = make_system()
    api = Api(system)
    lines = [b'{"code":"c%d","campaign":"spring","owner":"o%d"}' % (n, n) for n in range(MANY)]
    began = time.monotonic()
    results = bulk(api, lines)
    seconds = time.monotonic() - began
    print(f"{MANY} links in {seconds:.2f} s")
    assert seconds < 60, "generous: sanitizers, and whatever else the machine does"
    assert [result["line"] for result in results] == list(range(1, MANY + 1))
    assert {result["status"] for result in results} == {"created"}
    assert system.keys.hget(f"brinco:link:c{MANY - 1}", "owner") == f"o{MANY - 1}"
    assert system.tap("c4711").status == 302
    assert {result["status"] for result in bulk(api, lines[:2000])} == {"unchanged"}


def test_codes_that_are_made_are_all_different(shared, api):
    results = bulk(api, [{"url": URL}] * 3000)
    assert len({result["code"] for result in results}) == 3000


def test_results_come_while_the_rest_is_done(shared, api):
    """The first is there long before the last: they are not collected."""
    body = b"".join(b'{"code":"s%d","url":"https://a/"}\n' % n for n in range(40_000))
    connection = http.client.HTTPConnection("127.0.0.1", shared.brinco.api_port, timeout=60)
    connection.request("POST", "/v1/links/bulk", body, {
        **LINES, "Authorization": f"Bearer {api.token}"})
    answer = connection.getresponse()
    assert json.loads(answer.readline())["line"] == 1
    assert not shared.keys.exists("brinco:link:s39999")
    assert sum(1 for _ in answer) == 39_999
    connection.close()


def test_who_goes_away_in_the_middle_stops_nobody_else(shared, api):
    body = b"".join(b'{"code":"g%d","url":"https://a/"}\n' % n for n in range(50_000))
    connection = http.client.HTTPConnection("127.0.0.1", shared.brinco.api_port, timeout=60)
    connection.request("POST", "/v1/links/bulk", body, {
        **LINES, "Authorization": f"Bearer {api.token}"})
    connection.getresponse().readline()
    connection.close()
    assert bulk(api, [{"code": "after", "url": URL}])[0]["status"] == "created"


def test_other_questions_are_refused(api):
    def ask(body, **headers):
        status, answered, content = api.ask("POST", "/v1/links/bulk", body, headers)
        openapi.check_answer("POST", "/v1/links/bulk", status, answered, content)
        return status, content

    assert ask(b"{}", **{"Content-Type": "application/json"})[0] == 415
    status, content = ask(b"{}", **LINES, **{"Idempotency-Key": "k"})
    assert status == 400 and json.loads(content)["field"] == "Idempotency-Key"
    assert ask(b"", **LINES) == (200, b"")
    assert ask(b"\n\n\n", **LINES) == (200, b"")


def test_a_redis_that_dies_on_the_way_is_said(make_system):
    """What has a good result is there; sent again, all is."""
    system = make_system(redis__timeout_ms=1000)
    api = Api(system)
    count = 60_000
    lines = [b'{"code":"d%d","url":"https://a/"}' % n for n in range(count)]
    connection = http.client.HTTPConnection("127.0.0.1", system.brinco.api_port, timeout=60)
    connection.request("POST", "/v1/links/bulk", b"\n".join(lines), {
        **LINES, "Authorization": f"Bearer {api.token}"})
    answer = connection.getresponse()
    first = answer.readline()
    system.redis.kill()
    results = [json.loads(line) for line in (first + answer.read()).splitlines()]
    connection.close()
    good = {result["code"] for result in results if "status" in result}
    assert results[0]["status"] == "created" and 0 < len(good) < count
    assert "Redis is lost" in results[-1]["error"]
    assert results[-1]["line"] == len(results)
    system.redis.start()
    system.brinco.ready()
    there = {key.removeprefix("brinco:link:") for key in system.keys.keys("brinco:link:d*")}
    assert good <= there
    assert len(bulk(api, lines)) == count
    assert len(system.keys.keys("brinco:link:d*")) == count
