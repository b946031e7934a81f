"""`brinco explain` and GET /v1/clicks/ID: why a click counted, or did not."""

import json

import pytest

from harness import agents, openapi, tokens
from harness.api import Api
from harness.brinco import run
from harness.conversions import Reports
from harness.wait import wait_for


@pytest.fixture(scope="module")
def system(make_module_system):
    return make_module_system(serve__roles="edge collector api")


@pytest.fixture(scope="module")
def api(system):
    return Api(system)


def ask_api(api, which, query=""):
    status, headers, content = api.ask("GET", f"/v1/clicks/{which}{query}")
    openapi.check_answer("GET", "/v1/clicks/{id}", status, headers, content)
    return status, json.loads(content)


def explain(system, *words, expected=0):
    outcome = system.brinco.cli("explain", *words, "--json")
    assert outcome.returncode == expected, outcome.stderr
    return json.loads(outcome.stdout)


def counted(system, which):
    """Its document, as soon as it is counted."""
    def is_counted():
        told = explain(system, which)
        return told if told["counted"] else None

    return wait_for(is_counted, what="it is counted")


def tapped(system, code="AB12CD", agent=agents.ANDROID, **more):
    """A token and its click's id, once it is shipped."""
    reply = system.tap(code, agent, **more)
    click = system.click_of(reply)
    return tokens.token_of(reply.location), click


def test_a_click_that_counts(system, api):
    token, click = tapped(system)
    told = counted(system, token)
    assert told["found"] and told["id"] == click["id"] and told["at"] == int(click["at"])
    assert told["token"]["verdict"] == "ours" and told["token"]["code"] == "AB12CD"
    assert {name: str(value) for name, value in told["click"].items()} == {
        name: click[name] for name in told["click"]}
    assert told["why"] == {
        "kind": "a person, by a browser's User-Agent: a click",
        "outcome": "led to Google Play",
        "rule": "no rule fitted; the phone is an Android, and the campaign has a place for those"}
    assert told["shipped"]["stream"].startswith("brinco:clicks:")
    assert told["conversions"] == []
    assert ask_api(api, click["id"])[1]["click"] == told["click"]
    status, by_token = ask_api(api, token)
    assert status == 200 and by_token["click"] == told["click"]
    assert explain(system, click["id"].lower())["token"] is None
    text = system.brinco.cli("explain", token).stdout
    for part in (click["id"], "this token is ours", "AB12CD", "led to Google Play", "counted"):
        assert part in text


def test_tokens_that_are_forged_or_of_another_code(system):
    token, _ = tapped(system)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert explain(system, forged)["token"]["verdict"] == "forged"
    assert explain(system, token, "--code", "XY")["token"]["verdict"] == "other_code"
    assert explain(system, token, "--code", "AB12CD")["token"]["verdict"] == "ours"
    outcome = run("explain", token, "--json", "-o", f"redis.url={system.redis.url}",
                  "-o", "data.dir=/nonexistent")
    elsewhere = json.loads(outcome.stdout)
    assert elsewhere["token"]["verdict"] == "unknown"
    assert "cannot be told here" in elsewhere["token"]["meaning"]


def test_what_does_not_count_says_why(system):
    for code, agent, kind, part in (("why1", "WhatsApp/2.24.20.89 A", "preview", "whatsapp/"),
                                    ("why2", "curl/8.5.0", "bot", "curl"),
                                    ("why3", "", "bot", "no User-Agent")):
        system.link(code, owner="ana")
        system.tap(code, agent)
        (click,) = system.clicks_of(code)
        told = explain(system, click["id"])
        assert told["click"]["kind"] == kind
        assert part in told["why"]["kind"]
        assert "never a click" in told["why"]["kind"]


def test_a_click_that_only_the_journal_has(system, api):
    token, click = tapped(system)
    counted(system, token)
    system.keys.xtrim(click.stream, maxlen=0)
    told = explain(system, token)
    assert told["found"] and told["click"]["id"] == click["id"]
    assert told["journal"]["sequence"] == click.sequence
    assert told["counted"] is True and told["shipped"]["entry"] is None
    assert told["token"]["verdict"] == "ours"
    status, problem = ask_api(api, click["id"])
    assert status == 404
    assert "queue.retain_hours" in problem["detail"] and "journals" in problem["detail"]


def test_the_journal_alone_when_redis_is_away(make_system):
    system = make_system()
    replies = [system.tap("AB12CD") for _ in range(50)]
    token = tokens.token_of(replies[31].location)
    system.wait_shipped()
    system.redis.kill()
    outcome = system.brinco.cli("explain", token, "--json")
    assert outcome.returncode == 0 and "Redis" in outcome.stderr
    told = json.loads(outcome.stdout)
    assert told["click"]["id"] == tokens.click_id(token)
    assert told["counted"] is None
    assert any("cannot be asked" in line for line in told["looked"])
    system.redis.start()


def test_conversions_and_webhooks(system, api):
    token, click = tapped(system)
    system.keys.hset(f"brinco:credit:{click['id']}", mapping={
        "code": "AB12CD", "campaign": "spring", "owner": "ana", "at": click["at"],
        "event:install": json.dumps({
            "id": "01CONV", "at": 1700000000000, "status": "verified", "reasons": ["too_soon"],
            "value": 0, "currency": "", "reporter": "backend", "repeats": 2}),
        "event:bad": "[", "junk": b"\xff"})
    system.keys.hset("brinco:webhook:01CONV", mapping={
        "state": "pending", "attempts": 3, "last_status": 500, "last_error": "HTTP 500"})
    (event,) = explain(system, token)["conversions"]
    assert (event["event"], event["status"], event["repeats"]) == ("install", "verified", 2)
    assert "too short a time" in event["meaning"]
    assert event["webhook"]["state"] == "pending" and event["webhook"]["attempts"] == 3
    assert ask_api(api, token)[1]["conversions"] == [event]
    text = system.brinco.cli("explain", token).stdout
    for part in ("install", "verified", "reported again 2 times", "webhook: pending, 3 attempts",
                 "HTTP 500"):
        assert part in text
    # What is left when the click itself is forgotten.
    lost = tokens.ulid_text(bytes(range(16)))
    system.keys.hset(f"brinco:credit:{lost}", mapping={"code": "AB12CD", "event:x": "{}"})
    told = explain(system, lost)
    assert told["found"] and told["click"] is None and len(told["conversions"]) == 1


def test_what_gives_no_credit_is_told_too(system, api):
    token, click = tapped(system)
    reports = Reports(system.keys, "brinco:conversions:told:0")
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    named = {"code": "AB12CD", "click_id": click["id"]}
    ids = [reports.verified(token, "install"), reports.verified(token, "install"),
           reports.add("install", "forged", click=forged, **named),
           reports.add("install", "forged", click=forged, **named),
           reports.verified(token, "mortgage", value=70, currency="MXN")]
    reports.add("install", "unverified", code="AB12CD")  # of no click
    wait_for(reports.is_judged, what="they are judged")
    told = explain(system, token)
    assert {one["id"]: (one["status"], one["counted"]) for one in told["conversions"]} == {
        ids[0]: ("verified", True), ids[2]: ("forged", True), ids[3]: ("forged", False),
        ids[4]: ("unverified", True)}
    by_id = {one["id"]: one for one in told["conversions"]}
    assert by_id[ids[0]]["repeats"] == 1 and by_id[ids[0]]["reasons"] == ["too_soon"]
    assert "not ours" in by_id[ids[2]]["meaning"]
    assert (by_id[ids[4]]["value"], by_id[ids[4]]["currency"]) == (70, "MXN")
    assert any("the stream judged" in line for line in told["looked"])
    assert ask_api(api, token)[1]["conversions"] == told["conversions"]
    text = system.brinco.cli("explain", token).stdout
    for part in ("forged", "unverified", "a repetition, which counts nothing", "70 MXN"):
        assert part in text


def test_what_waits_to_be_judged_is_told(make_system):
    system = make_system(serve__roles="edge api")  # nobody judges
    token, click = tapped(system)
    reports = Reports(system.keys)
    past = reports.verified(token, "signup")
    system.keys.hset("brinco:conversion-mark", reports.stream,
                     f"{reports.last_ms}-{reports.sequence}")
    for number in range(600):  # more than a page
        reports.add("install", code="AB12CD")
    new = reports.open(token, "install", value=5, currency="MXN")
    system.keys.sadd("brinco:conversion-streams", "brinco:none", "x" * 600, b"a\0b")
    (event,) = explain(system, token)["conversions"]
    assert (event["id"], event["status"], event["counted"]) == (new, "waiting", None)
    assert "not judged yet" in event["meaning"] and past != new
    assert explain(system, click["id"])["conversions"] == [event]
    # A click that only a report names.
    lost = tokens.ulid_text(bytes(range(1, 17)))
    reports.add("install", "open", click_id=lost)
    assert explain(system, lost)["conversions"][0]["status"] == "waiting"
    system.keys.set("brinco:judged", "x")
    system.keys.hset("brinco:conversion-mark", reports.stream, "nonsense")
    assert len(explain(system, token)["conversions"]) == 2


def test_more_than_can_be_shown_says_so(system):
    token, click = tapped(system)
    pipe = system.keys.pipeline()
    for number in range(1100):
        pipe.xadd("brinco:judged", {"id": f"X{number}", "event": "install", "status": "forged",
                                    "click_id": click["id"], "counted": "1", "reasons": "\x1b[2J"})
    pipe.execute()
    told = explain(system, token)
    assert len(told["conversions"]) == 256 and told["conversions"][0]["id"] == "X1099"
    assert any("there is more that was not looked at" in line for line in told["looked"])
    assert "\x1b" not in system.brinco.cli("explain", token).stdout
    system.keys.delete("brinco:judged")


def test_what_is_not_known_says_where_was_looked(system, api):
    nobody = tokens.ulid_text(b"\x01" * 16)
    told = explain(system, nobody, expected=1)
    assert not told["found"] and told["click"] is None
    looked = "\n".join(told["looked"])
    for part in ("72 hours (queue.retain_hours)", "24 hours (journal.retain_hours)",
                 "400 days (stats.retain_days)"):
        assert part in looked
    assert ask_api(api, nobody)[0] == 404


def test_what_is_no_click_is_refused(system, api):
    for which in ("x", "0" * 27, "!" * 32, "U" * 26, "8" * 26, "a" * 33):
        assert system.brinco.cli("explain", which).returncode == 2, which
    status, problem = ask_api(api, "nonsense")
    assert status == 404 and "click token" in problem["detail"]
    assert ask_api(api, "A" * 32, "?code=" + "x" * 65)[0] == 400
    assert ask_api(api, "A" * 32, "?x=1")[0] == 400


def test_hostile_values_are_shown_harmlessly(system):
    _, click = tapped(system)
    key = f"brinco:credit:{click['id']}"
    system.keys.hset(key, "event:a", '{"status":"\\u001b[2J","id":"../x","reasons":7,"at":-5}')
    outcome = system.brinco.cli("explain", click["id"])
    assert outcome.returncode == 0 and "\x1b" not in outcome.stdout
    system.keys.delete(key)
    system.keys.set(key, "x")
    assert explain(system, click["id"])["conversions"] == []
    system.keys.delete(key)
    system.keys.hset(key, mapping={f"event:{number}": "{}" for number in range(300)})
    told = explain(system, click["id"])
    assert told["conversions"] == []
    assert any("larger than brinco writes it" in line for line in told["looked"])
