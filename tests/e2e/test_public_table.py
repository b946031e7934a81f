"""What the public port answers, request by request, and what each answer is counted as."""

import email.utils
import html.parser
import time

import pytest

from harness import agents, tokens
from harness.http import Connection, raw, request
from harness.system import FALLBACK_TEMPLATE

NOW = int(time.time())
HOUR = 3600


@pytest.fixture(scope="module")
def with_default(make_module_system):
    """A server whose taps that cannot be resolved go to the campaign `house`."""
    system = make_module_system(edge__default_campaign="house", edge__home_url="https://www.example.mx/")
    system.campaign("house", web="https://www.example.mx/house?code={code}&click={click}")
    return system


def assert_hop(reply):
    """What every redirect has."""
    assert reply.status == 302
    assert reply.header("Cache-Control") == "private, no-store"
    assert reply.header("Content-Length") == "0"
    date = email.utils.parsedate_to_datetime(reply.header("Date"))
    assert abs(date.timestamp() - time.time()) < 30
    assert reply.header("Date").endswith(" GMT")


@pytest.mark.short
def test_a_person_on_android_lands_in_the_play_store_with_a_referrer(shared):
    reply = shared.tap("AB12CD", agents.ANDROID)
    assert_hop(reply)
    assert reply.location.startswith("https://play.google.com/store/apps/details?"
                                     "id=mx.example.app&referrer=")
    token = tokens.token_of(reply.location)
    assert tokens.query_of(reply.location)["referrer"] == (
        "utm_source=brinco&utm_medium=referral&utm_campaign=spring&utm_content=AB12CD"
        f"&click={token}")
    click = shared.click_of(reply)
    assert (click["kind"], click["outcome"]) == ("human", "play_store")


@pytest.mark.short
def test_a_person_on_an_iphone_lands_in_the_app_store(shared):
    shared.link("IPHONE")
    reply = shared.tap("IPHONE", agents.IPHONE)
    assert_hop(reply)
    assert reply.location == ("https://apps.apple.com/app/apple-store/id1234567890"
                              "?pt=123456&ct=spring&mt=8")
    click, = shared.clicks_of("IPHONE")
    assert (click["kind"], click["outcome"], click["platform"]) == ("human", "app_store", "ios")


@pytest.mark.parametrize("agent", [agents.WINDOWS, agents.MAC], ids=["windows", "mac"])
def test_a_person_elsewhere_lands_on_the_web(shared, agent):
    reply = shared.tap("AB12CD", agent)
    assert_hop(reply)
    assert reply.location.startswith("https://www.example.mx/install?code=AB12CD&click=")
    assert shared.click_of(reply)["outcome"] == "web"


def test_the_url_of_a_link_overrides_its_campaign(shared):
    shared.link("OVER", url="https://www.example.mx/own?c={code}&click={click}")
    reply = shared.tap("OVER")
    assert_hop(reply)
    assert reply.location.startswith("https://www.example.mx/own?c=OVER&click=")
    assert shared.click_of(reply)["outcome"] == "override"


class Head(html.parser.HTMLParser):
    """The tags of a page in order, and its Open Graph properties."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.properties = [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "meta" and "property" in attrs:
            self.properties[attrs["property"]] = attrs["content"]


@pytest.mark.parametrize("vendor", agents.PREVIEWS)
def test_a_preview_fetcher_gets_a_page_and_is_no_click(shared, vendor):
    code = f"preview-{vendor}"
    shared.link(code)
    before = shared.counted(kind="preview")
    reply = shared.tap(code, agents.PREVIEWS[vendor])
    assert reply.status == 200
    assert reply.location is None
    assert reply.header("Content-Type").lower() == "text/html; charset=utf-8"
    page = Head(reply.text)
    assert page.properties["og:title"] == "Ana invites you"
    assert page.properties["og:description"] == "Both of you get a present."
    assert page.properties["og:image"] == "https://www.example.mx/present.jpg"
    assert page.properties["og:url"].endswith(f"/{code}")
    click, = shared.clicks_of(code)
    assert click["kind"] == "preview"
    assert shared.counted(kind="preview") == before + 1


def test_open_graph_tags_come_first_in_the_page(shared):
    """Some fetchers read only the beginning; what a person sees may come later."""
    page = Head(shared.tap("AB12CD", agents.PREVIEWS["whatsapp"]).text)
    tags = [tag if "property" not in attrs else attrs["property"] for tag, attrs in page.tags]
    before = tags[: tags.index("og:title")]
    assert set(before) <= {"html", "head", "meta", "title"} | set(page.properties)


def test_texts_of_a_campaign_cannot_break_out_of_the_preview(shared):
    evil = '"><script>alert(1)</script><a href=\'x\'> & é'
    shared.campaign("evil", og_title=evil, og_description=evil, name=evil)
    shared.link("EVIL", campaign="evil")
    reply = shared.tap("EVIL", agents.PREVIEWS["whatsapp"])
    page = Head(reply.text)
    assert page.properties["og:title"] == evil
    assert page.properties["og:description"] == evil
    assert "script" not in [tag for tag, _ in page.tags]


@pytest.mark.parametrize("name", agents.BOTS)
def test_a_machine_gets_the_same_redirect_and_is_counted_as_one(shared, name):
    reply = shared.tap("AB12CD", agents.BOTS[name])
    assert_hop(reply)
    assert shared.click_of(reply)["kind"] == "bot"


@pytest.mark.parametrize("header", ["Sec-Purpose: prefetch", "Purpose: prefetch",
                                    "Sec-Purpose: prefetch;prerender"])
def test_a_prefetch_gets_the_same_redirect_and_is_counted_as_one(shared, header):
    reply = shared.tap("AB12CD", headers=[header])
    assert_hop(reply)
    click = shared.click_of(reply)
    assert (click["kind"], click["outcome"]) == ("prefetch", "play_store")


def test_head_gets_the_same_head_and_is_counted_as_one(shared):
    with Connection(shared.brinco.port) as connection:
        connection.send(request("/AB12CD", "HEAD", agents.ANDROID)
                        + request("/AB12CD", "GET", agents.ANDROID))
        head = connection.read_reply(to_head=True)
        following = connection.read_reply()
    assert_hop(head)
    assert_hop(following)
    assert shared.click_of(head)["kind"] == "head"
    assert {name for name, _ in head.headers} == {name for name, _ in following.headers}


def test_head_of_a_preview_announces_the_page_and_sends_none(shared):
    page = shared.tap("AB12CD", agents.PREVIEWS["whatsapp"])
    with Connection(shared.brinco.port) as connection:
        connection.send(request("/AB12CD", "HEAD", agents.PREVIEWS["whatsapp"])
                        + request("/-/healthz"))
        head = connection.read_reply(to_head=True)
        assert connection.read_reply().status == 200
    assert head.status == 200
    assert head.header("Content-Length") == str(len(page.body))


def test_an_unknown_code_leads_to_the_default_campaign_with_the_code_in_the_referrer(with_default):
    reply = with_default.tap("NOBODY")
    assert_hop(reply)
    referrer = tokens.query_of(reply.location)["referrer"]
    assert "utm_campaign=house&utm_content=NOBODY&click=" in referrer
    click = with_default.click_of(reply)
    assert (click["outcome"], click["code"], click["campaign"]) == ("default", "NOBODY", "house")


def test_an_unknown_code_without_a_default_campaign_is_a_page_that_a_person_can_read(shared):
    reply = shared.tap("NOBODY")
    assert reply.status == 404
    assert reply.header("Content-Type").lower() == "text/html; charset=utf-8"
    assert "no-store" in reply.header("Cache-Control")
    assert "<p" in reply.text or "<h1" in reply.text
    click, = shared.clicks_of("NOBODY")
    assert (click["kind"], click["outcome"]) == ("human", "not_found")


@pytest.mark.parametrize("target", ["/a.b", "/AB12CD/x", "/" + "x" * 65, "/favicon.png", "/%00",
                                    "/AB12CD%2F", "/%0d%0aSet-Cookie:a=b", "/AB12CD%0d%0aX:y"],
                         ids=lambda target: target[:20])
def test_what_cannot_be_a_code_is_not_found(shared, target):
    reply = shared.brinco.get(target, agent=agents.ANDROID)
    assert reply.status == 404
    assert {name.lower() for name, _ in reply.headers} <= {
        "content-type", "x-content-type-options", "content-length", "cache-control", "date",
        "connection", "content-language", "vary", "content-security-policy", "referrer-policy",
        "x-robots-tag"}


def test_the_root_leads_home_if_there_is_one(with_default, shared):
    reply = with_default.brinco.get("/", agent=agents.ANDROID)
    assert (reply.status, reply.location) == (302, "https://www.example.mx/")
    assert shared.brinco.get("/", agent=agents.ANDROID).status == 404


CLOSED_LINKS = {
    "paused": ({"status": "paused"}, "paused", "paused"),
    "not-started": ({"starts_at": NOW + HOUR}, "paused", "not started"),
    "expired": ({"expires_at": NOW - HOUR}, "expired", "expired"),
}


@pytest.mark.parametrize("where", ["link", "campaign"])
@pytest.mark.parametrize("state", CLOSED_LINKS)
def test_a_closed_link_leads_to_the_fallback_of_its_campaign(shared, state, where):
    fields, code = CLOSED_LINKS[state][0], f"fall-{state}-{where}"
    shared.campaign(code, fallback=FALLBACK_TEMPLATE, **(fields if where == "campaign" else {}))
    shared.link(code, campaign=code, **(fields if where == "link" else {}))
    reply = shared.tap(code)
    assert_hop(reply)
    assert reply.location.startswith(f"https://www.example.mx/over?campaign={code}&click=")
    assert shared.click_of(reply)["outcome"] == "fallback"


@pytest.mark.parametrize("where", ["link", "campaign"])
@pytest.mark.parametrize("state", CLOSED_LINKS)
def test_a_closed_link_without_fallback_says_why(shared, state, where):
    fields, outcome, word = CLOSED_LINKS[state]
    code = f"gone-{state}-{where}"
    shared.campaign(code, **(fields if where == "campaign" else {}))
    shared.link(code, campaign=code, **(fields if where == "link" else {}))
    reply = shared.tap(code, headers=["Accept-Language: en"])
    assert reply.status == 410
    assert reply.header("Content-Type").lower() == "text/html; charset=utf-8"
    assert word in reply.text.lower()
    click, = shared.clicks_of(code)
    assert click["outcome"] == outcome


def test_a_link_opens_and_closes_at_the_second_that_it_names(shared):
    opens = int(time.time()) + 2
    shared.link("SECONDS", starts_at=opens, expires_at=opens + 2)
    seen = {}
    while time.time() < opens + 2.5:
        before = time.time()
        status = shared.tap("SECONDS").status
        if int(before) == int(time.time()):
            seen.setdefault(int(before) - opens, set()).add(status)
        time.sleep(0.05)
    assert {second: statuses for second, statuses in seen.items() if second >= -1} == {
        -1: {410}, 0: {302}, 1: {302}, 2: {410}}


def test_without_redis_what_was_seen_is_answered_as_ever(make_system):
    system = make_system(redis__timeout_ms=100)
    assert system.tap("AB12CD").status == 302
    system.redis.kill()
    for agent, outcome in ((agents.ANDROID, "play_store"), (agents.WINDOWS, "web")):
        # Both workers have seen the code only after a few taps; ask where it was seen.
        replies = [system.tap("AB12CD", agent) for _ in range(20)]
        assert 302 in {reply.status for reply in replies}
        assert system.counted(kind="human", outcome=outcome) >= 1


@pytest.mark.short
def test_without_redis_what_was_never_seen_leads_to_the_default_campaign(make_system):
    system = make_system(start=False, redis__timeout_ms=100, edge__default_campaign="spring")
    system.brinco.start().ready()
    system.redis.kill()
    reply = system.tap("UNSEEN")
    assert_hop(reply)
    assert "utm_campaign=spring&utm_content=UNSEEN" in tokens.query_of(reply.location)["referrer"]
    assert system.counted(outcome="unresolved") == 1
    system.redis.start()
    assert system.click_of(reply)["outcome"] == "unresolved"


def test_without_redis_and_default_campaign_what_was_never_seen_is_asked_to_try_again(make_system):
    system = make_system(redis__timeout_ms=100)
    system.redis.kill()
    reply = system.tap("UNSEEN")
    assert reply.status == 503
    assert 1 <= int(reply.header("Retry-After")) <= 120
    assert "no-store" in reply.header("Cache-Control")
    assert system.counted(outcome="unresolved") == 1
    system.redis.start()
    click, = system.clicks_of("UNSEEN")
    assert click["outcome"] == "unresolved"


@pytest.mark.short
def test_load_balancers_are_told_that_the_edge_is_up(shared):
    assert shared.brinco.get("/-/healthz").status == 200


def test_load_balancers_are_answered_without_redis_too(make_system):
    system = make_system()
    system.redis.kill()
    assert system.brinco.get("/-/healthz").status == 200


@pytest.mark.parametrize("target", ["/-/", "/-/x", "/-/healthz/x", "/-/metrics"])
def test_the_rest_of_what_begins_with_a_dash_is_reserved(with_default, target):
    assert with_default.brinco.get(target, agent=agents.ANDROID).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_told_which_ones_are_allowed(shared, method):
    with Connection(shared.brinco.port) as connection:
        reply = connection.ask(request("/AB12CD", method, agents.ANDROID))
    assert reply.status == 405
    assert reply.header("Allow") == "GET, HEAD"


@pytest.mark.parametrize("status, data", [
    (400, b"NONSENSE\r\n\r\n"),
    (414, b"GET /" + b"x" * 8000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 16384 + b"\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
], ids=["malformed", "long-line", "large-head", "many-fields"])
def test_what_is_malformed_or_too_large_is_refused_and_the_connection_closed(shared, status, data):
    replies = raw(shared.brinco.port, data + request("/AB12CD", agent=agents.ANDROID))
    assert [reply.status for reply in replies] == [status]
    assert replies[0].closes
