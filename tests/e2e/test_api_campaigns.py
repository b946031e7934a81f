"""Campaigns over the API: named by their makers, and where their links lead at once."""

import json
import re

import pytest

from harness import agents, openapi
from harness.api import Api
from harness.system import ANDROID_TEMPLATE
from harness.wait import wait_for

JSON = {"Content-Type": "application/json"}
WEB = "https://www.example.mx/autumn?code={code}"


@pytest.fixture(scope="module")
def api(shared):
    return Api(shared)


def ask(api, method, path, body=None, headers=None):
    """Status and body of an answer that docs/openapi.yaml describes."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    status, answered, content = api.ask(method, path, data, {**JSON, **(headers or {})})
    template = re.sub(r"^(/v1/campaigns/)[^/?]+", r"\1{id}", path.split("?")[0])
    openapi.check_answer(method, template, status, answered, content)
    return status, json.loads(content) if content else None


def test_a_life(shared, api):
    made = {"id": "autumn", "name": "Autumn", "web": WEB, "android": ANDROID_TEMPLATE}
    assert ask(api, "POST", "/v1/campaigns", made) == (201, made)
    assert ask(api, "POST", "/v1/campaigns", made)[0] == 409
    shared.link("leaf", campaign="autumn")
    assert shared.tap("leaf", agents.WINDOWS).location.endswith("/autumn?code=leaf")

    moved = {**made, "web": "https://www.example.mx/moved"}
    assert ask(api, "PATCH", "/v1/campaigns/autumn", {"web": moved["web"]}) == (200, moved)
    wait_for(lambda: shared.tap("leaf", agents.WINDOWS).location == moved["web"])
    assert ask(api, "PUT", "/v1/campaigns/autumn", {"web": WEB}) == (
        200, {"id": "autumn", "web": WEB})
    assert ask(api, "GET", "/v1/campaigns/autumn") == (200, {"id": "autumn", "web": WEB})

    assert ask(api, "DELETE", "/v1/campaigns/autumn") == (204, None)
    assert ask(api, "GET", "/v1/campaigns/autumn")[0] == 404
    assert ask(api, "DELETE", "/v1/campaigns/autumn")[0] == 404
    wait_for(lambda: shared.tap("leaf", agents.WINDOWS).status == 404)
    assert shared.keys.hgetall("brinco:link:leaf") == {"campaign": "autumn"}


def test_it_is_what_the_command_line_shows(shared, api):
    _, campaign = ask(api, "PUT", "/v1/campaigns/both", {
        "name": "Otoño", "web": WEB, "starts_at": "2026-01-31T23:59:59Z", "schemes": "bank"})
    shown = shared.brinco.cli("campaign", "get", "both", "--json").stdout
    assert json.loads(shown) == campaign
    assert api.ask("GET", "/v1/campaigns/both")[2].decode() == shown


def test_schemes_hold_templates_and_links(api):
    bank = "bank://open/{code}"
    path = "/v1/campaigns/bank"
    status, problem = ask(api, "PUT", path, {"ios": bank})
    assert (status, problem["field"]) == (400, "ios")
    assert ask(api, "PUT", path, {"ios": bank, "schemes": "bank", "web": WEB})[0] == 201
    status, problem = ask(api, "PATCH", path, {"schemes": "market"})
    assert (status, problem["field"]) == (400, "schemes")
    assert ask(api, "PATCH", path, {"schemes": None, "ios": None})[0] == 200
    assert ask(api, "PATCH", path, {"schemes": "bank"})[0] == 200
    assert api.ask("PUT", "/v1/links/teller", json.dumps(
        {"campaign": "bank", "url": bank}).encode(), JSON)[0] == 201
    status, _, body = api.ask("PUT", "/v1/links/teller", json.dumps(
        {"campaign": "spring", "url": bank}).encode(), JSON)
    assert (status, json.loads(body)["field"]) == (400, "url")


@pytest.mark.parametrize("body, field", [
    ({}, "id"), ({"id": "a b"}, "id"), ({"id": "a\r\nb"}, "id"), ({"id": 7}, "id"),
    ({"id": ""}, "id"), ({"id": "a" * 65}, "id"),
    ({"id": "x", "name": "a\nb"}, "name"), ({"id": "x", "name": "a" * 1025}, "name"),
    ({"id": "x", "web": "http://a/"}, "web"), ({"id": "x", "web": "data:text/html,x"}, "web"),
    ({"id": "x", "og_image": "https://a/{code}"}, "og_image"),
    ({"id": "x", "schemes": "javascript"}, "schemes"), ({"id": "x", "status": "on"}, "status"),
    ({"id": "x", "created_at": 1}, "created_at"), ({"id": "x", "code": "y"}, "code"),
])
def test_what_is_not_allowed_is_named(shared, api, body, field):
    status, problem = ask(api, "POST", "/v1/campaigns", body)
    assert (status, problem["field"]) == (400, field)
    assert not shared.keys.exists("brinco:campaign:x")


def test_a_key_that_is_no_hash_is_left_alone(shared, api):
    shared.keys.set("brinco:campaign:WT", "x")
    for method, body in (("GET", None), ("PUT", {"web": WEB}), ("DELETE", None)):
        assert ask(api, method, "/v1/campaigns/WT", body)[0] == 409
    assert shared.keys.get("brinco:campaign:WT") == "x"
    shared.keys.delete("brinco:campaign:WT")


def test_what_can_never_open_is_said(api):
    body = b'{"web": "https://a/", "starts_at": 9, "expires_at": 8}'
    status, headers, _ = api.ask("PUT", "/v1/campaigns/shut", body, JSON)
    assert status == 201 and "can never open" in headers["Brinco-Warning"]
    assert ask(api, "PATCH", "/v1/campaigns/shut", {"name": "Shut"})[0] == 200


def test_a_retry_gives_the_same_answer(shared, api):
    body = {"id": "once", "web": WEB}
    headers = {"Idempotency-Key": "campaign once"}
    first = ask(api, "POST", "/v1/campaigns", body, headers)
    shared.keys.delete("brinco:campaign:once")
    assert ask(api, "POST", "/v1/campaigns", body, headers) == first
    assert not shared.keys.exists("brinco:campaign:once"), "it is an answer, not another campaign"
    assert ask(api, "POST", "/v1/campaigns", {"id": "twice"}, headers)[0] == 422


def test_lists_go_through_everything(make_system):
    system = make_system()
    api = Api(system)
    for number in range(250):
        system.keys.hset(f"brinco:campaign:c{number}", "name", number)
    found, cursor = [], ""
    while cursor is not None:
        page = api.json("/v1/campaigns", limit=20, **({"cursor": cursor} if cursor else {}))
        assert len(page["campaigns"]) <= 20
        found += [campaign["id"] for campaign in page["campaigns"]]
        cursor = page["next_cursor"]
    assert set(found) == {"spring", *(f"c{number}" for number in range(250))}
    assert ask(api, "GET", "/v1/campaigns?owner=ana")[0] == 400


def test_reading_is_not_writing(shared):
    reader = Api(shared, "read")
    assert ask(reader, "GET", "/v1/campaigns/spring")[0] == 200
    for method, path in (("POST", "/v1/campaigns"), ("PUT", "/v1/campaigns/spring"),
                         ("PATCH", "/v1/campaigns/spring"), ("DELETE", "/v1/campaigns/spring")):
        assert ask(reader, method, path, {"web": WEB})[0] == 403
    assert shared.tap("AB12CD").status == 302
