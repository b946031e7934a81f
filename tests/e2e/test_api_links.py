"""Links over the API: made, asked for, changed, deleted, listed, and at once true on every edge."""

import concurrent.futures
import http.client
import json
import re
import time

import pytest

from harness import agents, openapi
from harness.api import Api
from harness.http import raw
from harness.wait import wait_for

JSON = {"Content-Type": "application/json"}
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
URL = "https://www.example.mx/x"


@pytest.fixture(scope="module")
def api(shared):
    return Api(shared)


def ask(api, method, path, body=None, headers=None):
    """Status and body of an answer that docs/openapi.yaml describes."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    status, answered, content = api.ask(method, path, data, {**JSON, **(headers or {})})
    template = re.sub(r"^(/v1/links/)(?!bulk$)[^/?]+", r"\1{code}", path.split("?")[0])
    openapi.check_answer(method, template, status, answered, content)
    return status, json.loads(content) if content else None


def is_sound(code):
    """The check of docs/formats.md, from its description alone."""
    numbers = [ALPHABET.index(character) for character in code]
    return sum((i + 1) * n for i, n in enumerate(numbers[:6])) % 31 == numbers[6]


def test_a_life(shared, api):
    status, link = ask(api, "PUT", "/v1/links/life", {"campaign": "spring", "owner": "ana"})
    assert status == 201
    assert link == {"code": "life", "campaign": "spring", "owner": "ana",
                    "created_at": link["created_at"]}
    assert shared.tap("life").status == 302
    assert ask(api, "GET", "/v1/links/life") == (200, link)

    status, link = ask(api, "PATCH", "/v1/links/life", {"status": "paused", "owner": None},
                       {"Content-Type": "application/merge-patch+json"})
    assert (status, link["status"], "owner" in link) == (200, "paused", False)
    wait_for(lambda: shared.tap("life").status == 410)

    status, replaced = ask(api, "PUT", "/v1/links/life", {"url": URL})
    assert (status, replaced) == (200, {"code": "life", "url": URL,
                                        "created_at": link["created_at"]})
    wait_for(lambda: shared.tap("life").location == URL)

    assert ask(api, "DELETE", "/v1/links/life") == (204, None)
    wait_for(lambda: shared.tap("life").status == 404)
    assert ask(api, "DELETE", "/v1/links/life")[0] == 404
    assert ask(api, "GET", "/v1/links/life")[0] == 404
    assert ask(api, "PATCH", "/v1/links/life", {"owner": "eva"})[0] == 404


def test_it_is_what_the_command_line_shows(shared, api):
    _, link = ask(api, "PUT", "/v1/links/both", {
        "campaign": "spring", "owner": "Ñandú \"q\"", "starts_at": "2026-01-31T23:59:59Z",
        "expires_at": 1798696800})
    shown = shared.brinco.cli("link", "get", "both", "--json")
    assert json.loads(shown.stdout) == link
    assert link["starts_at"] == 1769903999
    _, answered, content = api.ask("GET", "/v1/links/both")
    assert content.decode() == shown.stdout
    assert ask(api, "PUT", "/v1/links/both", link) == (200, link), "what is shown can be sent back"


def test_a_code_is_made(shared, api):
    codes = [ask(api, "POST", "/v1/links", {"campaign": "spring"})[1]["code"] for _ in range(20)]
    assert len(set(codes)) == 20
    for code in codes:
        assert re.fullmatch(f"[{ALPHABET}]{{7}}", code) and is_sound(code)
        assert shared.tap(code).status == 302


def test_a_mistyped_code_gets_a_page_that_says_so(shared, api):
    code = ask(api, "POST", "/v1/links", {"campaign": "spring"})[1]["code"]
    wrong = code[:3] + ALPHABET[(ALPHABET.index(code[3]) + 1) % 31] + code[4:]
    before = shared.counted(outcome="not_found")
    mistakes = [wrong, code[1] + code[0] + code[2:], code[:-1], code[:4] + code[3:],
                code[:2] + "O" + code[3:], code[:6] + code[6].lower() + "x"[:code[6].isdigit()]]
    pages = [shared.tap(mistake) for mistake in dict.fromkeys(mistakes) if mistake != code]
    typing = [page for page in pages if b"typing mistake" in page.body]
    assert len(typing) >= 4
    for page in typing:
        assert page.status == 404 and b"error de escritura" in page.body
        assert page.header("Content-Type") == "text/html; charset=utf-8"
        assert b"noindex" in page.body and b"<script" not in page.body
    assert shared.tap(wrong).body in {page.body for page in typing}
    plain = shared.tap("NOBODY")
    assert plain.status == 404 and b"typing mistake" not in plain.body
    assert b"Revisa que" in plain.body
    assert shared.counted(outcome="not_found") - before >= len(typing)


def test_a_sound_code_that_is_no_link_is_just_not_found(shared, api):
    code = ask(api, "POST", "/v1/links", {"campaign": "spring"})[1]["code"]
    assert b"typing mistake" in shared.tap(code.lower()).body or code.isdigit()
    ask(api, "DELETE", f"/v1/links/{code}")
    page = wait_for(lambda: shared.tap(code) if shared.tap(code).status == 404 else None)
    assert b"typing mistake" not in page.body


def test_a_code_of_ones_own_must_be_free(api):
    assert ask(api, "POST", "/v1/links", {"code": "mine", "url": URL})[0] == 201
    status, problem = ask(api, "POST", "/v1/links", {"code": "mine", "url": URL})
    assert (status, problem["field"]) == (409, "code")


def test_a_campaign_that_is_not_there_is_said(api):
    status, headers, _ = api.ask("PUT", "/v1/links/early", b'{"campaign": "later"}', JSON)
    assert status == 201
    assert headers["Brinco-Warning"] == 'there is no campaign "later" yet'
    assert headers["Location"] == "/v1/links/early"


def test_what_can_never_open_is_said(api):
    times = {"starts_at": 1_800_000_000, "expires_at": 1_800_000_000}
    body = json.dumps({"url": URL, **times}).encode()
    for path, method in (("/v1/links/shut", "PUT"), ("/v1/links", "POST")):
        status, headers, _ = api.ask(method, path, body, JSON)
        assert (status, headers["Brinco-Warning"]) == (
            201, "it can never open: starts_at is not before expires_at")
    assert ask(api, "PATCH", "/v1/links/shut", {"status": "paused"})[0] == 200
    status, headers, _ = api.ask("PATCH", "/v1/links/shut", b'{"starts_at": null}', JSON)
    assert status == 200 and "Brinco-Warning" not in headers


@pytest.mark.parametrize("body, field", [
    (b"null", None), (b'"x"', None), (b'{"campaign": "c", "": 1}', '""'),
    (b"", None), (b"nonsense", None), (b"[]", None), (b'{"url": "' + b"\xff" + b'"}', None),
    (b'{"owner": "a", "owner": "b"}', None), (b"{}", "campaign"), ({"owner": "ana"}, "campaign"),
    ({"campaign": "c", "owner": 7}, "owner"), ({"campaign": "c", "owner": "a\r\nb"}, "owner"),
    ({"campaign": "c", "owner": "a\0b"}, "owner"), ({"campaign": "c", "owner": "a" * 129}, "owner"),
    ({"campaign": "c\r\nFLUSHALL\r\n"}, "campaign"), ({"campaign": ["c"]}, "campaign"),
    ({"url": "javascript:alert(1)"}, "url"), ({"url": "http://a/"}, "url"),
    ({"url": 'https://a/"<b>'}, "url"), ({"url": "https://a/{nonsense}"}, "url"),
    ({"campaign": "c", "expires_at": "soon"}, "expires_at"),
    ({"campaign": "c", "expires_at": -1}, "expires_at"),
    ({"campaign": "c", "expires_at": 1.5}, "expires_at"),
    ({"campaign": "c", "expires_at": 10 ** 15}, "expires_at"),
    (b'{"campaign": "c", "expires_at": 99999999999999999999}', None),
    (b'{"campaign": "c", "expires_at": 1e400}', None),
    ({"campaign": "c", "colour": "red"}, "colour"), ({"campaign": "c", "co\r\nl": 1}, "co\r\nl"),
    ({"code": "other", "campaign": "c"}, "code"),
    (b'{"campaign":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
    ({"campaign": "c", "owner": "a" * 200_000}, "owner"),
])
def test_what_is_not_allowed_is_named(shared, api, body, field):
    before = shared.keys.dbsize()
    status, problem = ask(api, "PUT", "/v1/links/refused", body)
    assert status == 400
    assert problem.get("field") == field
    assert problem["detail"]
    assert shared.keys.dbsize() == before


def test_a_megabyte_is_too_much(api):
    body = json.dumps({"campaign": "c", "owner": "a" * (1 << 20)}).encode()
    assert api.ask("PUT", "/v1/links/large", body[:1 << 20], JSON)[0] == 413
    try:
        assert api.ask("PUT", "/v1/links/large", body, JSON)[0] == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server need not read what it refuses


@pytest.mark.parametrize("code", ["a%20b", "a%0d%0ab", "%00", "a" * 65, "%2a", "%c3%a9"])
def test_what_is_no_code_is_not_there_and_cannot_be_made(api, code):
    assert api.ask("GET", f"/v1/links/{code}")[0] in (400, 404)
    assert api.ask("DELETE", f"/v1/links/{code}")[0] in (400, 404)
    status, _, body = api.ask("PUT", f"/v1/links/{code}", b'{"campaign": "c"}', JSON)
    assert status == 400 and b"application" not in body


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "application/merge-patch+json"])
def test_other_content_is_refused(api, kind):
    status, problem = ask(api, "PUT", "/v1/links/kind", {"url": URL}, {"Content-Type": kind})
    assert (status, problem["field"]) == (415, "Content-Type")


# --- the same answer twice ---


def keyed(api, key, body):
    status, headers, content = api.ask("POST", "/v1/links", json.dumps(body).encode(),
                                       {**JSON, "Idempotency-Key": key})
    openapi.check_answer("POST", "/v1/links", status, headers, content)
    return status, content, headers.get("Location")


def test_a_retry_gives_the_same_answer_and_no_second_link(shared, api):
    first = keyed(api, "retry 1", {"url": URL})
    before = shared.keys.dbsize()
    assert keyed(api, "retry 1", {"url": URL}) == first
    assert shared.keys.dbsize() == before
    status, problem, _ = keyed(api, "retry 1", {"url": URL + "y"})
    assert (status, json.loads(problem)["field"]) == (422, "Idempotency-Key")


def test_many_retries_at_once_make_one_link(shared, api):
    before = shared.keys.dbsize()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: keyed(api, "at once", {"url": URL}), range(48)))
    assert {status for status, _, _ in answers} == {201}
    assert len({body for _, body, _ in answers}) == 1
    assert shared.keys.dbsize() == before + 2, "a link and a kept answer"


def test_a_lost_answer_is_made_good_by_a_retry(shared, api):
    """The client goes away before it reads anything; what was made is what the retry gets."""
    before = shared.keys.dbsize()
    body = json.dumps({"url": URL, "owner": "lost"}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", api.port)
    connection.request("POST", "/v1/links", body, {
        **JSON, "Authorization": f"Bearer {api.token}", "Idempotency-Key": "lost"})
    connection.close()
    wait_for(lambda: shared.keys.dbsize() == before + 2)
    status, content, _ = keyed(api, "lost", {"url": URL, "owner": "lost"})
    assert status == 201
    assert shared.keys.dbsize() == before + 2
    assert shared.tap(json.loads(content)["code"]).location == URL


def test_anothers_key_is_another_key(shared, api):
    other = Api(shared)
    assert keyed(api, "common", {"url": URL})[1] != keyed(other, "common", {"url": URL})[1]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "é"])
def test_what_is_no_key_is_refused(api, key):
    status, _, body = api.ask("POST", "/v1/links", b'{"url": "https://a/"}', {
        **JSON, "Idempotency-Key": key.encode("latin-1")})
    assert status == 400, body


# --- lists ---


def walk(api, path="/v1/links", **choices):
    """All pages; (records, pages)."""
    name, found, pages, cursor = path.rsplit("/", 1)[1], [], 0, None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = api.json(path, **choices, **more)
        openapi.check(page, openapi.response("GET", path, 200)["content"]["application/json"][
            "schema"])
        assert len(page[name]) <= choices.get("limit", 100)
        found += page[name]
        pages += 1
        cursor = page["next_cursor"]
        if cursor is None:
            return found, pages


def test_lists_go_through_everything(make_system):
    system = make_system()
    api = Api(system)
    pipe = system.keys.pipeline()
    for number in range(3000):
        pipe.hset(f"brinco:link:n{number}", mapping={
            "campaign": f"c{number % 3}", "owner": f"o{number % 5}", "created_at": number})
        pipe.set(f"brinco:noise:{number}", "")
    pipe.execute()
    found, pages = walk(api, limit=1000)
    assert {link["code"] for link in found} == {"AB12CD", *(f"n{i}" for i in range(3000))}
    assert pages <= 8
    found, _ = walk(api, campaign="c1", owner="o2", limit=7)
    assert {link["code"] for link in found} == {f"n{i}" for i in range(3000)
                                                if i % 3 == 1 and i % 5 == 2}
    assert walk(api, campaign="nobody")[0] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=", "cursor=x",
                                   "cursor=0.*", "offset=1", "limit=1&limit=1",
                                   "cursor=0.a%0d%0ab", "campaign=", "owner=", "cursor=", "owner",
                                   "campaign=a%20b"])
def test_other_questions_are_refused(api, query):
    status, problem = ask(api, "GET", f"/v1/links?{query}")
    assert status == 400
    assert problem["field"] == query.split("=")[0]


# --- roles, and Redis ---


def test_reading_is_not_writing(shared):
    reader, events = Api(shared, "read"), Api(shared, "events")
    assert reader.ask("GET", "/v1/links/AB12CD")[0] == 200
    assert events.ask("GET", "/v1/links/AB12CD")[0] == 403
    for method, path in (("PUT", "/v1/links/no"), ("PATCH", "/v1/links/AB12CD"),
                         ("DELETE", "/v1/links/AB12CD"), ("POST", "/v1/links"),
                         ("POST", "/v1/links/bulk")):
        assert ask(reader, method, path, {"url": URL})[0] == 403
    assert shared.tap("AB12CD").status == 302
    assert shared.tap("no").status == 404


def test_what_other_hands_wrote_is_shown_and_can_be_put_right(shared, api):
    shared.keys.hset("brinco:link:odd", mapping={"campaign": "spring", "status": "\x1b[2J",
                                                 "starts_at": "soon", "note": "theirs"})
    assert ask(api, "GET", "/v1/links/odd")[1]["starts_at"] == "soon"
    status, link = ask(api, "PATCH", "/v1/links/odd", {"owner": "ana"})
    assert status == 200 and "created_at" not in link
    status, link = ask(api, "PATCH", "/v1/links/odd", {"status": None, "starts_at": None})
    assert status == 200 and "status" not in link
    wait_for(lambda: shared.tap("odd").status == 302)
    assert shared.keys.hget("brinco:link:odd", "note") == "theirs"
    shared.keys.set("brinco:link:text", "x")
    assert ask(api, "GET", "/v1/links/text")[0] == 409
    assert ask(api, "PUT", "/v1/links/text", {"url": URL})[0] == 409
    assert ask(api, "DELETE", "/v1/links/text")[0] == 409
    outcome = shared.brinco.cli("link", "delete", "text")
    assert (outcome.returncode, outcome.stderr.count("WRONGTYPE")) == (2, 1)
    assert shared.keys.get("brinco:link:text") == "x"
    shared.keys.delete("brinco:link:text")


def test_writers_at_once_lose_nothing(shared, api):
    """Each PATCH changes a field of its own, over and over: none undoes another."""
    ask(api, "PUT", "/v1/links/busy", {"campaign": "spring"})

    def patch(job):
        field, value = job
        return ask(api, "PATCH", "/v1/links/busy", {field: value})[0]

    jobs = [(field, 1_800_000_000 + n) for n in range(30)
            for field in ("starts_at", "expires_at", "created_at")]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert set(pool.map(patch, jobs)) == {200}
    _, link = ask(api, "GET", "/v1/links/busy")
    assert link.keys() == {"code", "campaign", "starts_at", "expires_at", "created_at"}
    assert all(link[field] >= 1_800_000_020 for field in ("starts_at", "expires_at", "created_at"))


def test_without_redis_it_is_503_and_then_all_is_well(make_system):
    system = make_system(redis__timeout_ms=300)
    api = Api(system)
    system.redis.kill()
    status, headers, _ = api.ask("GET", "/v1/links/AB12CD")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert system.tap("AB12CD").status in (302, 503)
    system.redis.start()
    wait_for(lambda: api.ask("GET", "/v1/links/AB12CD")[0] == 200)


def test_a_redis_that_hangs_is_a_503_within_its_3_seconds(make_system):
    """For the first, for a crowd that queues, and for whoever comes while others try again."""
    system = make_system()
    api = Api(system)
    asked = [("GET", "/v1/links/AB12CD", None), ("PATCH", "/v1/links/AB12CD", b'{"owner":"a"}'),
             ("GET", "/v1/stats", None), ("POST", "/v1/links/bulk", b'{"url":"https://a/"}')]

    def timed(number):
        time.sleep(number % 20 / 8)
        begun = time.monotonic()
        status, headers, _ = api.ask(*asked[number % 4])
        return status, headers["Retry-After"], time.monotonic() - begun

    assert api.ask(*asked[0])[0] == 200
    system.redis.freeze()
    with concurrent.futures.ThreadPoolExecutor(40) as crowd:
        answers = list(crowd.map(timed, range(40)))
    system.redis.resume()
    assert {answer[:2] for answer in answers} == {(503, "1")}
    assert max(answer[2] for answer in answers) < 4.5, sorted(answer[2] for answer in answers)
    wait_for(lambda: api.ask(*asked[0])[0] == 200)


def test_the_log_holds_nothing_of_what_clients_send(make_system):
    system = make_system(log__level="debug")
    api = Api(system)
    for body in (b'{"owner": "marker\\r\\nfake=line"}', b"marker\r\nfake=line", b'{"marker": 1}'):
        api.ask("PUT", "/v1/links/marker%0d%0afake=line", body, JSON)
        api.ask("POST", "/v1/links", body, {**JSON, "Idempotency-Key": "marker"})
    raw(system.brinco.api_port, b"GET /v1/links/marker HTTP/1.1\r\nHost: a\r\n"
        b"Connection: close\r\n\r\n")
    assert "marker" not in system.brinco.log()
    assert api.token not in system.brinco.log()


# --- the command line ---


def test_link_new_makes_and_prints_a_code(shared, api):
    outcome = shared.brinco.cli("link", "new", "--campaign", "spring", "--owner", "ana")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    code = outcome.stdout.strip()
    assert outcome.stdout == code + "\n" and is_sound(code)
    assert ask(api, "GET", f"/v1/links/{code}")[1]["owner"] == "ana"
    assert shared.tap(code, agents.IPHONE).status == 302
    shown = json.loads(shared.brinco.cli("link", "new", "--url", URL, "--owner", "",
                                         "--json").stdout)
    assert shown == ask(api, "GET", f"/v1/links/{shown['code']}")[1]


@pytest.mark.parametrize("words", [[], ["--owner", "ana"], ["--url", "http://a/"], ["CODE"],
                                   ["--campaign", "a b"],
                                   ["--campaign", "spring", "--status", "asleep"],
                                   ["--campaign", "spring", "--owner", "a\nb"],
                                   ["--campaign", "spring", "--expires-at", "soon"]])
def test_link_new_refuses_what_link_set_refuses(shared, words):
    before = shared.keys.dbsize()
    outcome = shared.brinco.cli("link", "new", *words)
    assert outcome.returncode == 2
    assert outcome.stderr.count("\n") == 1 and outcome.stdout == ""
    assert shared.keys.dbsize() == before
