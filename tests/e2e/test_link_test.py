"""`brinco link test`: what a tap would come to is what a tap comes to, and nothing is counted."""

import json

from harness import agents
from harness.tokens import query_of

EXAMPLE = "EXAMPLE-click-token-EXAMPLE-0000"
RULES = [
    {"name": "mx-ios", "platform": "ios", "country": "MX", "to": "https://mx.example/{code}"},
    {"name": "late", "from": "2030-01-01T00:00:00Z", "to": "https://late.example/"},
    {"name": "half", "language": "de", "weight": 50, "to": "https://a.example/"},
    {"name": "other-half", "language": "de", "weight": 50, "to": "https://b.example/"},
    {"name": "asked", "query": {"x": "1"}, "to": "https://asked.example/?c={click}"},
]


def ask(system, code, *options, expected=0):
    outcome = system.brinco.cli("link", "test", code, "--json", *options)
    assert outcome.returncode == expected, outcome.stderr
    return json.loads(outcome.stdout)


def test_it_is_what_a_tap_gets(shared):
    before = shared.counted()
    for agent in (agents.ANDROID, agents.IPHONE, agents.WINDOWS):
        told = ask(shared, "AB12CD", "--agent", agent)
        location = shared.tap("AB12CD", agent).location
        assert told["warnings"] == []
        assert told["kind"] == "human"
        assert told["url"].split("?")[0] == location.split("?")[0]
        assert query_of(told["url"]).keys() == query_of(location).keys()
        click = shared.click_of(shared.tap("AB12CD", agent)) if "click" in location else None
        if click is not None:
            assert (told["outcome"], told["rule"]) == (click["outcome"], click["rule"])
    assert "web" == told["outcome"] and EXAMPLE in told["url"]
    assert shared.counted() - before <= 6  # the taps of this test alone


def test_nothing_is_written(make_system):
    system = make_system()
    keys = sorted(system.keys.keys("*"))
    ask(system, "AB12CD", "--as", "iphone")
    ask(system, "nothing", expected=1)
    assert sorted(system.keys.keys("*")) == keys
    assert system.clicks() == []
    assert system.counted() == 0


def test_every_input_reaches_the_rules(shared):
    shared.campaign("tested", rules=json.dumps(RULES))
    shared.link("tested", campaign="tested")

    def rule(*options):
        return ask(shared, "tested", *options)["rule"]

    assert rule("--as", "iphone") == "ios"
    assert rule("--as", "iphone", "--country", "mx") == "rule:mx-ios"
    assert rule("--as", "android", "--country", "MX") == "android"
    assert rule("--at", "2030-01-01T00:00:00Z") == "rule:late"
    assert rule("--at", "1893456000") == "rule:late"
    assert rule("--language", "de-CH", "--share", "0") == "rule:half"
    assert rule("--language", "de-CH", "--share", "99") == "rule:other-half"
    assert rule("--query", "y=2&x=1") == "rule:asked"
    assert rule("--query", "x=2") == "android"
    missing = ask(shared, "tested", "--language", "de")
    assert any("--share" in warning for warning in missing["warnings"])


def test_a_language_is_what_an_edge_makes_of_it(shared):
    rules = [{"name": "tw", "language": "zh-TW", "to": "https://tw.example/{code}"},
             {"name": "any", "language": "*", "to": "https://any.example/{code}"}]
    shared.campaign("spoken", rules=json.dumps(rules))
    shared.link("spoken", campaign="spoken")
    for sent, language, url in (
            ("en;q=0.1,zh-Hant-tw", "zh-TW", "https://tw.example/spoken"),
            ("zh-Hant", "zh", "https://any.example/spoken"),
            ("ca-valencia,es;q=0.5", "ca", "https://any.example/spoken")):
        told = ask(shared, "spoken", "--language", sent)
        assert (told["language"], told["url"], told["warnings"]) == (language, url, [])
        assert shared.tap("spoken", agents.ANDROID,
                          headers=[f"Accept-Language: {sent}"]).location == url
    for nothing in ("*", "x-klingon", ";;"):
        told = ask(shared, "spoken", "--language", nothing)
        assert (told["language"], told["rule"]) == ("", "android")
        assert told["warnings"] == ["--language: an edge finds no language in it"]
        assert "play.google.com" in shared.tap(
            "spoken", agents.ANDROID, headers=[f"Accept-Language: {nothing}"]).location


def test_a_share_is_the_visitor_s_where_the_secret_is(shared):
    shared.campaign("sticky", rules=json.dumps(RULES[2:4]))
    shared.link("sticky", campaign="sticky")
    options = ("--language", "de", "--ip", "127.0.0.1", "--agent", agents.ANDROID)
    told = ask(shared, "sticky", *options)
    assert 0 <= told["share"] <= 99
    location = shared.tap("sticky", agents.ANDROID, headers=["Accept-Language: de"]).location
    assert location == told["url"]


def test_devices(shared):
    for device, platform, kind in (
            ("android", "android", "human"), ("iphone", "ios", "human"),
            ("whatsapp", "other", "preview"), ("desktop", "windows", "human"),
            ("mac", "macos", "human"), ("googlebot", "other", "bot")):
        told = ask(shared, "AB12CD", "--as", device)
        assert (told["platform"], told["kind"]) == (platform, kind), device
    for device, container in (
            ("instagram-android", "instagram"), ("instagram-iphone", "instagram"),
            ("facebook-android", "facebook"), ("facebook-iphone", "facebook")):
        assert ask(shared, "AB12CD", "--as", device)["in_app"] == container
    text = shared.brinco.cli("link", "test", "AB12CD", "--as", "whatsapp").stdout
    assert "preview" in text and "never a click" in text


def test_what_is_odd_is_said(shared):
    shared.link("odd1", url="javascript:alert(1)", status="paused", expires_at="1000")
    warnings = "\n".join(ask(shared, "odd1")["warnings"])
    for part in ("url makes no sense", "paused", "expired at 1970-01-01"):
        assert part in warnings
    shared.link("odd2", campaign="nowhere")
    assert 'there is no campaign "nowhere"' in ask(shared, "odd2")["warnings"]
    told = ask(shared, "nothing", expected=1)
    assert told["outcome"] == "not_found" and told["page"] == "not_found"
    assert "there is no such link" in told["warnings"]


def test_what_is_no_input_is_refused(shared):
    for options in (("--ip", "1.2.3"), ("--at", "soon"), ("--as", "toaster"), ("--share", "100"),
                    ("--country", "MEX"), ("--country", "é"), ("--region", "ABCD"),
                    ("--as", "iphone", "--agent", "x"), ("--language", "x" * 257),
                    ("--query", "x" * 2049)):
        assert shared.brinco.cli("link", "test", "AB12CD", *options).returncode == 2, options
    assert shared.brinco.cli("link", "test", "a b").returncode == 2
    wild = ask(shared, "AB12CD", "--agent", "\x01\xff\U0001f600" * 200, "--query", "%zz&&=%00")
    assert wild["kind"] == "bot"
