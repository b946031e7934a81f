"""A bank's invite-a-friend programme, as the README sets one up: from a shared link to the credit
for a first loan."""

import datetime
import json
import re
import urllib.parse
import zoneinfo

from harness import agents, tokens
from harness.api import Api
from harness.wait import wait_for

FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
ZONE = zoneinfo.ZoneInfo("America/Mexico_City")

PROGRAMME = {
    "name": "Invita y gana",
    "android_package": "mx.example.bank", "android_fingerprints": FINGERPRINT,
    "ios_app_id": "1234567890 ABCDE12345.mx.example.bank", "ios_provider": "123456",
    "ios_campaign": "invita", "web": "https://www.example.mx/invita?code={code}&click={click}",
    "desktop": "qr", "og_title": "Ana te invita", "og_description": "Los dos ganan $200.",
    "og_image": "https://www.example.mx/regalo.jpg", "events": "card",
}


def programme(make_system):
    system = make_system(serve__roles="edge collector api")
    arguments = [word for name, value in PROGRAMME.items()
                 for word in ("--" + name.replace("_", "-"), value)]
    outcome = system.brinco.cli("campaign", "set", "invita", *arguments)
    assert outcome.returncode == 0, outcome.stderr
    outcome = system.brinco.cli("link", "new", "--campaign", "invita", "--owner", "ana")
    assert outcome.returncode == 0, outcome.stderr
    return system, outcome.stdout.strip()


def report(api, **fields):
    status, _, body = api.ask("POST", "/v1/conversions", json.dumps(fields),
                              {"Content-Type": "application/json"})
    assert status == 202, body
    return json.loads(body)


def funnel(api, path):
    document = api.stats(path)
    return document, {event["event"]: event for event in document["funnel"]["events"]}


def test_everybody_is_led_to_the_right_place(make_system):
    system, code = programme(make_system)

    android = system.tap(code)
    assert android.status == 302
    url = urllib.parse.urlsplit(android.location)
    assert (url.scheme, url.netloc, url.path) == ("https", "play.google.com", "/store/apps/details")
    query = tokens.query_of(android.location)
    assert query["id"] == "mx.example.bank"
    assert len(query["referrer"]) < 256
    assert dict(urllib.parse.parse_qsl(query["referrer"])) == {
        "utm_source": "brinco", "utm_medium": "referral", "utm_campaign": "invita",
        "utm_content": code, "click": tokens.token_of(android.location)}

    iphone = system.tap(code, agents.IPHONE)
    assert iphone.status == 302
    assert iphone.location == ("https://apps.apple.com/app/apple-store/id1234567890?pt=123456"
                               "&ct=invita&mt=8")

    preview = system.tap(code, agents.PREVIEWS["whatsapp"])
    assert preview.status == 200
    page = preview.body.decode()
    assert page.index('property="og:title" content="Ana te invita"') < 2048
    assert 'property="og:image" content="https://www.example.mx/regalo.jpg"' in page
    assert f"/{code}" in re.search(r'property="og:url" content="([^"]*)"', page).group(1)

    computer = system.tap(code, agents.WINDOWS)
    assert computer.status == 200
    assert f"/{code}/qr.svg" in computer.body.decode()
    assert "default-src 'none'" in computer.header("Content-Security-Policy")

    in_app = system.tap(code, agents.INSTAGRAM_ANDROID)
    assert in_app.status == 302 and in_app.location.startswith("intent://play.google.com/")
    assert "S.browser_fallback_url=https%3A%2F%2Fplay.google.com" in in_app.location

    clicks = system.clicks_of(code, 5)
    taps = [click for click in clicks if click["kind"] == "human"]
    assert sorted((click["outcome"], click["rule"]) for click in taps) == [
        ("app_store", "ios"), ("desktop", "desktop"), ("play_store", "android"),
        ("play_store", "android+intent")]
    assert [click["kind"] for click in clicks if click not in taps] == ["preview"]
    assert {click["agent"] for click in clicks} == {"", "whatsapp/"}


def test_a_first_loan_reported_twice_gives_credit_once(make_system):
    system, code = programme(make_system)
    api, events = Api(system), Api(system, "events")
    token = tokens.token_of(system.tap(code).location)
    first = {"click": token, "code": code, "event": "first_loan", "value": 250000,
             "currency": "MXN"}
    for event in ("install", "signup"):
        assert report(events, click=token, code=code, event=event)["status"] == "verified"
    assert report(events, **first)["status"] == "verified"
    assert report(events, **first, idempotency_key="again")["status"] == "verified"
    assert report(events, click=token[:-1] + ("A" if token[-1] != "A" else "B"), code=code,
                  event="first_loan")["status"] == "forged"
    assert report(events, code=code, event="first_loan")["status"] == "unverified"

    def counted():
        _, steps = funnel(api, f"links/{code}")
        loan = steps["first_loan"]
        done = loan["verified"] + loan["unverified"] + loan["forged"] + loan["repeated"]
        return steps if done == 4 else None

    steps = wait_for(counted, what="four reports of a first loan judged")
    loan = steps["first_loan"]
    assert (loan["verified"], loan["repeated"], loan["forged"], loan["unverified"]) == (1, 1, 1, 1)
    assert loan["value"]["MXN"]["verified"] == 250000
    assert (steps["install"]["verified"], steps["signup"]["verified"]) == (1, 1)
    document, _ = funnel(api, "campaigns/invita")
    assert document["totals"]["converted"] == {"install": 1, "signup": 1, "first_loan": 1}
    today = datetime.datetime.now(ZONE).strftime("%Y-%m-%d")
    row = next(row for row in document["rows"] if row["time"] == today)
    assert row["converted"]["first_loan"] == 1

    table = system.brinco.cli("stats", code)
    assert table.returncode == 0, table.stderr
    assert re.search(r"first_loan +1 +1 +1 +1  MXN 250000", table.stdout), table.stdout

    told = system.brinco.cli("explain", token, "--json")
    assert told.returncode == 0, told.stderr
    text = json.dumps(json.loads(told.stdout))
    assert code in text and "first_loan" in text and "verified" in text


def test_a_link_with_a_limit_is_used_up(make_system):
    system, _ = programme(make_system)
    system.link("LIMIT3", campaign="invita", max_clicks="3")
    for _ in range(20):
        system.tap("LIMIT3", agents.PREVIEWS["whatsapp"])
        system.tap("LIMIT3", agents.BOTS["curl"])
    for _ in range(3):
        assert system.tap("LIMIT3").status == 302
    wait_for(lambda: system.keys.hget("brinco:link:LIMIT3", "used") == "3",
             what="three clicks counted")
    over = wait_for(lambda: (reply := system.tap("LIMIT3")).status == 410 and reply,
                    what="the link is used up")
    assert over.status == 410
    system.campaign("invita", fallback="https://www.example.mx/tarde")
    reply = wait_for(lambda: (reply := system.tap("LIMIT3")).status == 302 and reply,
                     what="the campaign's fallback")
    assert reply.location == "https://www.example.mx/tarde"
    system.keys.hset("brinco:link:LIMIT3", "max_clicks", "1000")
    wait_for(lambda: "play.google.com" in (system.tap("LIMIT3").location or ""),
             what="a higher limit opens it again")
