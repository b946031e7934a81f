"""CODE+: where a link goes, without going there; and what of a query goes on."""

import json
import re

import pytest

from harness import agents, tokens
from harness.http import Connection, request
from harness.system import ANDROID_TEMPLATE, IOS_TEMPLATE
from harness.wait import wait_for


def look(system, code, agent=agents.ANDROID):
    reply = system.tap(f"{code}+", agent, headers=["Accept-Language: en"])
    assert reply.status == 200
    return reply.body.decode()


def shown(page, device):
    """What "On other devices" says of one."""
    found = re.search(rf"<dt>{device}</dt>\s*<dd><code>([^<]*)</code>", page)
    return found and found.group(1)


def test_it_says_where_each_device_is_led_and_counts_nothing(own):
    before = own.counted()
    page = look(own, "AB12CD")
    assert "It works" in page and "Google Play" in page
    assert "play.google.com" in shown(page, "Android")
    assert "apps.apple.com" in shown(page, "iPhone")
    assert "www.example.mx" in shown(page, "Computer")
    assert own.counted() == before
    assert own.brinco.metrics().sum("brinco_requests_total", answer="inspect") == 1
    own.tap("AB12CD")
    own.clicks_of("AB12CD", 1)


def test_a_link_with_a_url_of_its_own_leads_all_there(shared):
    shared.link("OWNURL", url="https://www.example.mx/own")
    page = look(shared, "OWNURL")
    for device in ("Android", "iPhone", "Computer"):
        assert shown(page, device) == "https://www.example.mx/own"


def test_rules_and_the_desktop_page_are_seen(shared):
    shared.campaign("ruled", desktop="qr", rules=json.dumps(
        [{"name": "ios", "platform": "ios", "to": "https://www.example.mx/for-ios"}]))
    shared.link("RULED1", campaign="ruled")
    page = look(shared, "RULED1")
    assert shown(page, "iPhone") == "https://www.example.mx/for-ios"
    assert shown(page, "Computer") is None
    assert "A page with the stores" in look(shared, "RULED1", agents.WINDOWS)


@pytest.mark.parametrize(("fields", "says"), [
    ({"status": "paused"}, "Paused"), ({"starts_at": "4000000000"}, "Not started yet"),
    ({"expires_at": "1"}, "Expired"), ({"max_clicks": "3", "used": "3"}, "Used up")])
@pytest.mark.parametrize("fallback", [None, "https://www.example.mx/late"])
def test_what_is_closed_is_said_with_a_fallback_too(shared, fields, says, fallback):
    name = f"closed{len(says)}{'b' if fallback else 'a'}"
    shared.campaign(name, fallback=fallback)
    shared.link(name, campaign=name, **fields)
    page = look(shared, name)
    assert says in page and "It works" not in page


def test_a_code_that_is_none_is_not_found(shared):
    assert shared.tap("NOTHERE+").status == 404


def test_tokens_stay_whole_beside_parameters_that_go_on(make_system):
    """Taps of one turn write their answers into each other's place."""
    system = make_system(edge__workers=1)
    system.campaign("passing", android=None, ios=None, passthrough="all",
                    web="https://www.example.mx/in?code={code}&click={click}")
    codes = ["P1", "P22222", "P" + "3" * 40]
    for code in codes:
        system.link(code, campaign="passing")
    secret = (system.brinco.data / "secret").read_bytes()
    with Connection(system.brinco.port) as connection:
        for _ in range(40):
            wanted = [(code, query) for code in codes
                      for query in ("?utm_source=x&utm_medium=y", "?a&b&click=mine&s=qr", "")]
            connection.send(b"".join(request(f"/{code}{query}", agent=agents.ANDROID)
                                     for code, query in wanted))
            for code, query in wanted:
                found = tokens.query_of(connection.read_reply().location.replace("&a&b", ""))
                assert tokens.is_genuine(found["click"], code, secret)
                assert ("utm_medium" in found) == ("utm" in query) and "s" not in found


def test_the_campaigns_own_templates_are_as_they_were(shared):
    """Campaigns of before, with templates alone, lead where they always led."""
    android = shared.tap("AB12CD", agents.INSTAGRAM_ANDROID)
    assert android.location.startswith(ANDROID_TEMPLATE.split("{", maxsplit=1)[0])
    assert shared.tap("AB12CD", agents.IPHONE).location == IOS_TEMPLATE
    wait_for(lambda: shared.counted() > 0, what="taps")
