"""/v1/webhooks: listed in pages, and retried."""

import json

import pytest

from harness import openapi
from harness.api import Api, api_only
from harness.webhooks import Deliveries, now_ms

RETRY = "/v1/webhooks/{id}/retry"


@pytest.fixture(scope="module")
def system(make_module_system):
    return api_only(make_module_system)


@pytest.fixture
def deliveries(system):
    system.keys.flushall()
    return Deliveries(system.keys)


@pytest.fixture
def api(system, deliveries):
    del deliveries  # first: it begins with an empty Redis
    return Api(system)


def retry(api, key, query=""):
    answer = api.ask("POST", f"/v1/webhooks/{key}/retry{query}")
    openapi.check_answer("POST", RETRY, *answer)
    return answer[0], json.loads(answer[2])


def page(api, query):
    answer = api.ask("GET", f"/v1/webhooks?{query}")
    openapi.check_answer("GET", "/v1/webhooks", *answer)
    return answer[0], json.loads(answer[2])


def all_pages(api, query):
    found, cursor, pages = [], "", 0
    while cursor is not None:
        status, body = page(api, f"{query}{'&cursor=' + cursor if cursor else ''}")
        assert status == 200
        found += [one["id"] for one in body["webhooks"]]
        cursor, pages = body["next_cursor"], pages + 1
    return found, pages


def test_pages_hold_each_once_newest_first(api, deliveries):
    at = now_ms()
    keys = [deliveries.add("https://a.mx/", created_at=at + n // 30, state="failed")
            for n in range(250)]
    assert all_pages(api, "limit=100") == (keys[::-1], 3)
    assert all_pages(api, "limit=7&state=failed")[0] == keys[::-1]
    assert all_pages(api, "state=pending&limit=100") == ([], 1)


def test_a_page_looks_only_so_far(api, deliveries):
    """The one that is wanted stands behind thousands that are not."""
    pipe = deliveries.keys.pipeline()
    key = deliveries.add("https://a.mx/", campaign="rare", created_at=now_ms() - 10**6)
    pipe.zadd("brinco:webhooks:all", {f"forgotten{n}": now_ms() + n for n in range(4500)})
    pipe.execute()
    status, first = page(api, "campaign=rare")
    assert status == 200 and first["webhooks"] == [] and first["next_cursor"]
    assert all_pages(api, "campaign=rare") == ([key], 3)


def test_one_is_retried(api, deliveries):
    failed = deliveries.add("https://a.mx/", state="failed", attempts=9)
    assert retry(api, failed) == (200, {"id": failed, "state": "pending"})
    assert deliveries.get(failed)["state"] == "pending" and deliveries.due_at(failed) <= now_ms()
    delivered = deliveries.add("https://a.mx/", state="delivered", attempts=1)
    assert retry(api, delivered)[0] == 409
    assert retry(api, delivered, "?again=false")[0] == 409
    assert deliveries.get(delivered)["state"] == "delivered"
    assert retry(api, delivered, "?again=true")[0] == 200
    sending = deliveries.add("https://a.mx/", claimed_until=now_ms() + 60000)
    assert retry(api, sending)[0] == 409
    assert retry(api, "nobody")[0] == 404
    assert retry(api, "a:b")[0] == 404


@pytest.mark.parametrize("query,field", [
    ("state=lost", "state"), ("state=", "state"), ("campaign=a:b", "campaign"),
    ("campaign=", "campaign"),
    ("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=1", "cursor"), ("cursor=0.x", "cursor"),
    ("cursor=1.a:b", "cursor"), ("cursor=", "cursor"), ("state=failed&state=failed", "state")])
def test_what_makes_no_sense_is_named(api, query, field):
    status, body = page(api, query)
    assert status == 400 and body["field"] == field


def test_again_is_yes_or_no(api, deliveries):
    key = deliveries.add("https://a.mx/", state="delivered")
    status, body = retry(api, key, "?again=maybe")
    assert status == 400 and body["field"] == "again"


def test_an_http_address_is_kept_with_a_warning(api):
    for url, is_odd in (("http://hooks.intern.example.mx/h", True), ("HTTP://127.0.0.1/", True),
                        ("https://hooks.example.mx/h", False)):
        status, headers, content = api.ask(
            "PUT", "/v1/campaigns/hooked", json.dumps({"webhook": url}).encode(),
            {"Content-Type": "application/json"})
        assert status in (200, 201) and json.loads(content)["webhook"] == url
        assert ("webhooks.allowed_hosts" in headers.get("Brinco-Warning", "")) == is_odd
