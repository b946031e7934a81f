"""docs/openapi.yaml against a running server: its routes, and its answers to everything."""

import http.client
import json
import re

import pytest

from harness import agents, openapi
from harness.api import Api
from harness.http import raw

JSON = {"Content-Type": "application/json"}
VALUES = {"code": "AB12CD", "id": "spring", "campaign": "spring"}


@pytest.fixture(scope="module")
def busy(make_module_system):
    """Links, campaigns and clicks that are counted."""
    system = make_module_system(serve__roles="edge collector api")
    for agent in (agents.ANDROID, agents.IPHONE, agents.WINDOWS, agents.BOTS["curl"]):
        system.tap("AB12CD", agent)
    system.wait_shipped()
    return system


@pytest.fixture(scope="module")
def api(busy):
    return Api(busy)


def path_of(template):
    for name, value in VALUES.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def check(method, template, answer):
    status, headers, body = answer
    openapi.check_answer(method, template, status, headers, body)
    return status


GETS = [path for method, path, _, _ in openapi.operations()
        if method == "GET" and path != "/v1/stats/live"]
REPORTING = ("POST", "/v1/conversions")  # the only thing for the role events
ALL = [(method, path) for method, path, _, _ in openapi.operations()]


def test_the_routes_are_those_of_the_server(api):
    routes = {(route["method"], route["path"]) for route in api.json("/v1")["routes"]}
    assert {(method, path) for method, path in ALL if path.startswith("/v1")} == routes


@pytest.mark.parametrize("path", GETS)
def test_every_get_answers_as_it_says(busy, api, path):
    target = path_of(path)
    if path == "/v1/clicks/{id}":
        target = f"/v1/clicks/{busy.clicks()[0]['id']}"
    assert check("GET", path, api.ask("GET", target)) == 200


@pytest.mark.parametrize("path", [path for path in GETS if path.startswith("/v1/stats")])
@pytest.mark.parametrize("query", [
    "last=24h", "last=3m&interval=month", "interval=total", "interval=week&by=country",
    "by=platform,outcome&filter=platform:android,country:MX&limit=3", "format=csv",
    "from=2020-01-01&to=2020-01-02", "last=7d&by=campaign"])
def test_numbers_in_every_form_are_as_it_says(api, path, query):
    assert check("GET", path, api.ask("GET", f"{path_of(path)}?{query}")) in (200, 400, 404)


@pytest.mark.parametrize("path", [path for path in GETS if path.startswith("/v1/stats")])
def test_csv_is_described(api, path):
    answer = api.ask("GET", path_of(path), headers={"Accept": "text/csv"})
    assert check("GET", path, answer) == 200
    assert answer[1]["Content-Type"].startswith("text/csv")


def test_live_events_are_as_it_says(busy, api):
    """The first event that comes; there is one a second."""
    connection = http.client.HTTPConnection("127.0.0.1", busy.brinco.api_port, timeout=20)
    connection.request("GET", "/v1/stats/live", headers={"Authorization": f"Bearer {api.token}"})
    answer = connection.getresponse()
    assert answer.getheader("Content-Type").split(";")[0] == "text/event-stream"
    for line in answer:
        if line.startswith(b"data: "):
            openapi.check(json.loads(line.removeprefix(b"data: ")),
                          openapi.document()["components"]["schemas"]["LiveEvent"])
            break
    connection.close()


@pytest.mark.parametrize("method, path", ALL)
def test_unknown_fields_of_the_query_are_refused_as_it_says(busy, api, method, path):
    if path.startswith("/v1"):
        asker = Api(busy, "events") if (method, path) == REPORTING else api
        answer = asker.ask(method, path_of(path) + "?nonsense=1",
                           b"{}" if method != "GET" else None)
        assert check(method, path, answer) == 400
        assert json.loads(answer[2])["field"] == "nonsense"


@pytest.mark.parametrize("method, path", ALL)
def test_without_a_token_only_the_watchers_pages_are_there(busy, method, path):
    nobody = Api(busy)
    nobody.token = "brinco_" + "x" * 40
    status = check(method, path, nobody.ask(method, path_of(path)))
    assert status in ((401, 429) if path.startswith("/v1") else (200,))


@pytest.mark.parametrize("method, path", ALL)
def test_a_role_that_is_too_small_is_refused_as_it_says(busy, method, path):
    if path.startswith("/v1"):
        other = Api(busy, "write" if (method, path) == REPORTING else "events")
        assert check(method, path, other.ask(method, path_of(path), headers=JSON)) == 403


def test_reports_are_taken_and_refused_as_it_says(busy):
    """One, a list, again with its key, and what is not JSON or makes no sense."""
    reporter = Api(busy, "events")
    report = {"event": "install", "code": "AB12CD"}
    for body, status, headers in ((report, 202, {}), ([report, report], 202, {}),
                                  (report, 202, {"Idempotency-Key": "k"}),
                                  (report, 202, {"Idempotency-Key": "k"}),
                                  ({**report, "event": "signup"}, 422, {"Idempotency-Key": "k"}),
                                  ([report, {}], 422, {})):
        answer = reporter.ask(*REPORTING, json.dumps(body), headers={**JSON, **headers})
        assert check(*REPORTING, answer) == status
    assert check(*REPORTING, reporter.ask(*REPORTING, b"{", headers=JSON)) == 400
    assert check(*REPORTING, reporter.ask(*REPORTING, b"{}",
                                          headers={"Content-Type": "text/plain"})) == 415


# A link may have the code "bulk": it is only POST that is another thing there.
@pytest.mark.parametrize("path", sorted({path for _, path in ALL} - {"/v1/links/bulk"}))
def test_methods_that_are_not_there_are_refused(busy, api, path):
    there = {method for method, other in ALL if other == path}
    for method in {"GET", "PUT", "PATCH", "POST", "DELETE"} - there:
        status, headers, body = api.ask(method, path_of(path))
        assert status == 405
        openapi.check(json.loads(body), openapi.document()["components"]["schemas"]["Problem"])
        assert there <= set(headers["Allow"].replace(" ", "").split(","))
    replies = raw(busy.brinco.api_port,
                  b"BREW /v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert replies[0].status in (401, 405, 501)


@pytest.mark.parametrize("path", [path for path in GETS if "{" in path])
def test_what_is_not_there_is_a_404_as_it_says(api, path):
    nobody = re.sub(r"{\w+}", "nobody", path)
    assert check("GET", path, api.ask("GET", nobody)) == 404


@pytest.mark.parametrize("path", [path for path in GETS if path.startswith("/v1/stats/")
                                  and "{" in path])
def test_what_is_no_id_is_named_as_the_path_names_it(api, path):
    answer = api.ask("GET", re.sub(r"{\w+}", "a:b", path))
    assert check("GET", path, answer) == 400
    assert json.loads(answer[2])["field"] == re.search(r"{(\w+)}", path)[1]


def test_the_other_methods_answer_as_they_say(api):
    """Made, replaced, changed, deleted, in the document's own words."""
    for path, name in (("/v1/links/{code}", "links"), ("/v1/campaigns/{id}", "campaigns")):
        identity = path.replace("{code}", "described").replace("{id}", "described")
        item = openapi.document()["paths"][path]

        def example(operation):
            content = operation["requestBody"]["content"]
            kind = next(iter(content))
            return json.dumps(content[kind]["example"]).encode(), {"Content-Type": kind}

        for method, status in (("put", 201), ("put", 200), ("patch", 200), ("delete", 204)):
            asked = example(item[method]) if method != "delete" else (None, {})
            answer = api.ask(method.upper(), identity, *asked)
            assert check(method.upper(), path, answer) == status, answer[2]
        post = openapi.document()["paths"][f"/v1/{name}"]["post"]
        body, headers = example(post)
        answer = api.ask("POST", f"/v1/{name}", body, headers)
        assert check("POST", f"/v1/{name}", answer) == (201 if name == "links" else 409)
