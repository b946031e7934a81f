"""What campaigns and links say, over API and command line, and where that leads: apps, rules,
limits, allowed hosts."""

import json
import signal

import pytest

from harness import agents
from harness.api import Api
from harness.brinco import run
from harness.wait import wait_for

JSON = {"Content-Type": "application/json"}
FINGERPRINT = ":".join(["ab"] * 32)
RULES = [
    {"name": "old", "platform": ["android", "ios"], "os_version": "<8", "to": "web"},
    {"country": "CO", "query": {"ab": "1", "x": None}, "weight": 50,
     "to": "https://www.example.mx/co/{code}"},
]
APP = {
    "android_package": "mx.example.app", "android_fingerprints": FINGERPRINT,
    "ios_app_id": "123456789 ABCDE12345.mx.example.app", "ios_provider": "117892",
    "ios_campaign": "Spring 50%", "desktop": "qr", "rules": RULES, "passthrough": "utm_source",
    "events": "card_issued", "checks": "too_soon_s=5 own_link=off",
    "webhook": "https://hooks.example.mx/brinco",
}
PLAY = ("https://play.google.com/store/apps/details?id=mx.example.app&referrer=utm_source%3Dbrinco"
        "%26utm_medium%3Dreferral%26utm_campaign%3Dapp%26utm_content%3DLEAF%26click%3D")
APP_STORE = ("https://apps.apple.com/app/apple-store/id123456789"
             "?pt=117892&ct=Spring%2050%25&mt=8")


@pytest.fixture(scope="module")
def api(shared):
    return Api(shared)


def ask(api, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    status, _, content = api.ask(method, path, data, JSON)
    return status, json.loads(content) if content else None


def test_a_campaign_says_what_its_app_is_and_leads_there(shared, api):
    assert ask(api, "PUT", "/v1/campaigns/app", {**APP, "web": "https://www.example.mx/"}) == (
        201, {"id": "app", "web": "https://www.example.mx/", **APP})
    shown = shared.brinco.cli("campaign", "get", "app", "--json").stdout
    assert json.loads(shown) == {"id": "app", "web": "https://www.example.mx/", **APP}
    shared.link("LEAF", campaign="app")
    assert shared.tap("LEAF", agents.ANDROID).location.startswith(PLAY)
    assert shared.tap("LEAF", agents.IPHONE).location == APP_STORE


def test_rules_are_shown_one_a_line(shared, api):
    assert ask(api, "PUT", "/v1/campaigns/lines", {"rules": RULES})[0] == 201
    lines = shared.brinco.cli("campaign", "get", "lines").stdout.splitlines()
    assert lines[1].split(None, 1) == ["rules", json.dumps(RULES[0], separators=(",", ":"))]
    assert json.loads(lines[2]) == RULES[1]


def test_rules_may_be_an_array_a_string_or_a_file(shared, api, tmp_path):
    stored = json.dumps(RULES, separators=(",", ":"))
    for value in RULES, json.dumps(RULES, indent=2):
        assert ask(api, "PUT", "/v1/campaigns/ways", {"rules": value})[1]["rules"] == RULES
        assert shared.keys.hget("brinco:campaign:ways", "rules") == stored
    (tmp_path / "rules.json").write_text(json.dumps(RULES, indent=2))
    for value in json.dumps(RULES), f"@{tmp_path}/rules.json":
        shared.keys.delete("brinco:campaign:ways")
        outcome = shared.brinco.cli("campaign", "set", "ways", "--rules", value)
        assert outcome.returncode == 0, outcome.stderr
        assert shared.keys.hget("brinco:campaign:ways", "rules") == stored
    assert shared.brinco.cli("campaign", "set", "ways", "--web", "https://a.mx/",
                             "--rules", "[]").returncode == 0
    assert shared.keys.hget("brinco:campaign:ways", "rules") is None
    assert ask(api, "PATCH", "/v1/campaigns/ways", {"rules": RULES})[0] == 200
    assert ask(api, "PATCH", "/v1/campaigns/ways", {"rules": None}) == (
        200, {"id": "ways", "web": "https://a.mx/"})


@pytest.mark.parametrize("field, value, because", [
    ("rules", [{"name": "mx", "country": "MEX", "to": "web"}],
     'rules: rule 1 ("mx"): country: allowed are'),
    ("rules", [{"to": "bank://x"}], "rules: rule 1: to: the scheme bank is not allowed"),
    ("rules", [{"language": "zh-Hant", "to": "web"}],
     "rules: rule 1: language: allowed are languages like es, es-MX and es-419"),
    ("rules", [{"to": "https://apps.apple.com/app/id1?ct={code}"}],
     "rules: rule 1: to: ct takes no placeholder"),
    ("ios", "https://apps.apple.com/app/id1?pt=1&ct={code}", "ios: ct takes no placeholder"),
    ("ios", "https://apps.apple.com/app/id1?ct=" + "x" * 31, "ios: ct takes no placeholder"),
    ("android", "https://play.google.com/store/apps/details?id=a.b&referrer={owner}{owner}",
     "android: referrer could take 256 bytes decoded, more than 255"),
    ("rules", "nonsense", "rules: not JSON"),
    ("rules", 7, "rules: allowed is an array"),
    ("android_package", "app", "android_package: allowed is a package"),
    ("android_fingerprints", "AB:CD", "android_fingerprints: allowed are"),
    ("ios_app_id", "id1", "ios_app_id: allowed are"),
    ("ios_provider", "pt", "ios_provider: allowed are"),
    ("ios_campaign", "{code}", "ios_campaign: allowed are"),
    ("desktop", "nothing", "desktop: allowed are page, qr"),
    ("passthrough", "s", "passthrough: s is logged"),
    ("events", "Card", "events: allowed are"),
    ("checks", "fast=1", 'checks: "fast" is no check'),
    ("webhook", "ftp://example.mx/", "webhook: "),
])
def test_what_makes_no_sense_is_said_by_api_and_command_line(shared, api, field, value, because):
    status, problem = ask(api, "PUT", "/v1/campaigns/bad", {field: value})
    assert (status, problem["field"]) == (400, field)
    assert problem["detail"].startswith(because)
    text = value if isinstance(value, str) else json.dumps(value)
    outcome = shared.brinco.cli("campaign", "set", "bad", f"--{field.replace('_', '-')}", text)
    assert outcome.returncode == 2
    if field != "rules" or isinstance(value, list):
        assert because.partition(": ")[2] in outcome.stderr
    assert not shared.keys.exists("brinco:campaign:bad")


def test_an_older_campaign_with_a_code_in_its_ct_goes_on_working(shared, api):
    older = "https://apps.apple.com/app/id1?ct={code}"
    shared.campaign("older", ios=older)
    shared.link("OLDER", campaign="older")
    assert ask(api, "PATCH", "/v1/campaigns/older", {"name": "Older"})[0] == 200
    assert shared.tap("OLDER", agents.IPHONE).location == older.format(code="OLDER")


def test_an_app_that_is_not_for_this_phone_has_its_page(shared, api):
    assert ask(api, "PUT", "/v1/campaigns/droid", {"android_package": "mx.example.app"})[0] == 201
    shared.link("DROID", campaign="droid")
    for agent in agents.IPHONE, agents.WINDOWS:
        reply = shared.tap("DROID", agent)
        assert reply.status == 200 and b"id=mx.example.app" in reply.body
    told = json.loads(shared.brinco.cli("link", "test", "DROID", "--as", "iphone", "--json").stdout)
    assert (told["outcome"], told["page"], told["rule"]) == ("desktop", "desktop", "desktop")
    assert shared.tap("DROID", agents.ANDROID).status == 302


def test_a_link_has_a_limit_and_brinco_counts(shared, api):
    made = {"code": "LIM", "campaign": "spring", "max_clicks": 5}
    status, link = ask(api, "POST", "/v1/links", made)
    assert status == 201 and link["max_clicks"] == 5
    shared.keys.hset("brinco:link:LIM", "used", 3)
    assert ask(api, "GET", "/v1/links/LIM")[1]["used"] == 3
    for used in 0, "3", None:
        status, problem = ask(api, "PATCH", "/v1/links/LIM", {"used": used})
        assert (status, problem["field"]) == (400, "used")
        assert problem["detail"] == "used: brinco counts it itself: it can be read, and not be set"
    assert ask(api, "PUT", "/v1/links/LIM", {"campaign": "spring", "max_clicks": "7"})[1] == {
        "code": "LIM", "campaign": "spring", "created_at": link["created_at"],
        "max_clicks": 7, "used": 3}
    assert ask(api, "PATCH", "/v1/links/LIM", {"max_clicks": -1})[0] == 400
    assert shared.brinco.cli("link", "set", "LIM", "--max-clicks", "9").returncode == 0
    assert shared.keys.hmget("brinco:link:LIM", "max_clicks", "used") == ["9", "3"]
    assert shared.brinco.cli("link", "set", "LIM", "--max-clicks", "many").returncode == 2
    assert "--used" in shared.brinco.cli("link", "set", "LIM", "--used", "1").stderr


def test_an_import_takes_limits_and_passes_over_what_is_counted(shared, tmp_path):
    rows = tmp_path / "links.jsonl"
    rows.write_text('{"code":"IMP1","campaign":"spring","max_clicks":4,"used":2}\n'
                    '{"code":"IMP2","campaign":"spring","max_clicks":"many"}\n')
    outcome = shared.brinco.cli("link", "import", rows)
    assert outcome.returncode == 1
    assert "max_clicks: allowed are numbers" in outcome.stderr
    assert shared.keys.hmget("brinco:link:IMP1", "max_clicks", "used") == ["4", None]
    assert not shared.keys.exists("brinco:link:IMP2")


HOSTS = "www.example.mx, *.example.org"
BOUND = "-o", f"links.allowed_hosts={HOSTS}"
ELSEWHERE = "https://evil.example.com/{code}"
RULES_ELSEWHERE = json.dumps([{"to": ELSEWHERE}])


@pytest.fixture(scope="module")
def bound(make_module_system):
    return make_module_system(links__allowed_hosts=HOSTS)


def test_allowed_hosts_bind_the_command_line(bound, tmp_path):
    for words in (["link", "set", "OUT", "--url", ELSEWHERE], ["link", "new", "--url", ELSEWHERE],
                  ["campaign", "set", "out", "--web", ELSEWHERE],
                  ["campaign", "set", "out", "--desktop", ELSEWHERE],
                  ["campaign", "set", "out", "--rules", RULES_ELSEWHERE]):
        outcome = bound.brinco.cli(*words, *BOUND)
        assert outcome.returncode == 2, words
        assert "the host evil.example.com is not one of links.allowed_hosts" in outcome.stderr
    rows = tmp_path / "links.csv"
    rows.write_text(f"code,url\nOUT,{ELSEWHERE}\nIN,https://a.example.org/\n")
    outcome = bound.brinco.cli("link", "import", rows, *BOUND)
    assert outcome.returncode == 1 and "links.allowed_hosts" in outcome.stderr
    assert bound.keys.exists("brinco:link:OUT", "brinco:campaign:out") == 0
    assert bound.keys.exists("brinco:link:IN") == 1


def test_allowed_hosts_bind_the_api(bound):
    api = Api(bound)
    for path, body in (("/v1/links/OUT", {"url": ELSEWHERE}),
                       ("/v1/campaigns/out", {"fallback": ELSEWHERE}),
                       ("/v1/campaigns/out", {"rules": [{"to": ELSEWHERE}]})):
        status, problem = ask(api, "PUT", path, body)
        assert status == 400 and "links.allowed_hosts" in problem["detail"]
    status, _, content = api.ask("POST", "/v1/links/bulk", (
        b'{"code":"B1","url":"https://evil.example.com/"}\n'
        b'{"code":"B2","url":"https://www.example.mx/"}\n'),
        {"Content-Type": "application/x-ndjson"})
    lines = [json.loads(line) for line in content.splitlines()]
    assert lines[0]["field"] == "url" and "links.allowed_hosts" in lines[0]["error"]
    assert lines[1]["status"] == "created"


@pytest.mark.parametrize("way_around", [
    "intent://evil.com/#Intent;scheme=%68ttps;end",
    "intent://evil.com/#Intent;scheme={code};end",
    "intent://x/#Intent;scheme=bank;S.browser%5Ffallback_url=https%3A%2F%2Fevil.com;end",
])
def test_an_intent_is_no_way_around_the_allowed_hosts(bound, way_around):
    outcome = bound.brinco.cli("campaign", "set", "refused", "--schemes", "intent", "--android",
                               way_around, *BOUND)
    assert outcome.returncode == 2
    assert bound.keys.exists("brinco:campaign:refused") == 0
    bound.campaign("intent", schemes="intent", android=way_around, web=None,
                   fallback="https://www.example.mx/over")
    bound.link("INTENT", campaign="intent")
    assert bound.tap("INTENT", agents.ANDROID).location == "https://www.example.mx/over"


def test_allowed_hosts_bind_the_edge_whatever_redis_says(bound):
    bound.campaign("elsewhere", web=ELSEWHERE, fallback="https://www.example.mx/over")
    bound.link("CAMP", campaign="elsewhere")
    bound.link("OWN", campaign="elsewhere", url=ELSEWHERE)
    assert bound.tap("CAMP", agents.WINDOWS).location == "https://www.example.mx/over"
    assert bound.tap("OWN", agents.WINDOWS).location == "https://www.example.mx/over"
    wait_for(lambda: "field=url reason=\"url: the host evil.example.com" in bound.brinco.log())


def test_a_new_list_is_applied_on_sighup(make_system):
    system = make_system(start=False)
    path = system.brinco.directory / "brinco.conf"
    path.write_text("")
    system.brinco.start("-c", path).ready()
    system.link("OWN", url="https://evil.example.com/", campaign="")
    api = Api(system)
    assert system.tap("OWN").location == "https://evil.example.com/"
    path.write_text("[links]\nallowed_hosts = www.example.mx\n")
    system.brinco.signal(signal.SIGHUP)
    wait_for(lambda: ask(api, "PUT", "/v1/links/X", {"url": "https://b.example.com/"})[0] == 400)
    wait_for(lambda: {system.tap("OWN").status for _ in range(20)} == {404})


def test_a_list_that_is_none_is_refused(tmp_path):
    outcome = run("config", "-o", "links.allowed_hosts=https://example.mx/")
    assert outcome.returncode == 2
    assert "host names like example.mx" in outcome.stderr
