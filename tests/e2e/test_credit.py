"""From conversions in their streams to credit: once each, whoever dies, and listed by the API."""

import json
import random

import pytest

from harness import agents, openapi, tokens
from harness.api import Api
from harness.brinco import Brinco
from harness.conversions import Reports, funnel
from harness.reconcile import Outcome, settle
from harness.wait import wait_for


@pytest.fixture
def credit(make_system):
    """Edge, collector and API, and somebody who reports."""
    system = make_system(serve__roles="edge collector api")
    system.reports = Reports(system.keys)
    return system


def tap(system, code="AB12CD"):
    """The token of one that is in the stream."""
    reply = system.tap(code, agents.ANDROID)
    system.click_of(reply)
    return tokens.token_of(reply.location)


def wait_judged(*reports):
    wait_for(lambda: all(one.is_judged() for one in reports),
             what=lambda: f"{[(one.judged(), one.sequence) for one in reports]}")


def test_a_first_loan_reported_twice_gives_its_owner_credit_once(credit):
    token = tap(credit)
    ids = [credit.reports.verified(token, "first_loan", value=250000, currency="MXN")
           for _ in range(3)]
    wait_judged(credit.reports)
    assert funnel(credit.keys, "link:AB12CD") == {
        "first_loan\tverified": 1, "first_loan\tverified\tMXN": 250000,
        "first_loan\t!too_soon": 1, "first_loan\trepeated": 2}
    kept = credit.keys.hgetall(f"brinco:credit:{tokens.click_id(token)}")
    assert (kept["owner"], kept["campaign"], kept["code"]) == ("ana", "spring", "AB12CD")
    click = credit.clicks_of("AB12CD")[0]
    assert (kept["visitor"], kept["network"]) == (click["visitor"], click["network"])
    event = json.loads(kept["event:first_loan"])
    assert (event["id"], event["repeats"], event["reasons"]) == (ids[0], 2, ["too_soon"])


def test_a_token_alone_is_held_against_its_click(credit):
    token = tap(credit)
    credit.reports.open(token, "install")
    credit.reports.open(token, "install")
    credit.reports.open(token[:-1] + ("A" if token[-1] != "A" else "B"), "install")
    credit.reports.add("install", code="AB12CD")
    wait_judged(credit.reports)
    counted = funnel(credit.keys)
    assert counted["install\tverified"] == 1
    assert counted["install\trepeated"] == 1
    assert counted["install\tforged"] == 1
    assert counted["install\tunverified"] == 1


def test_a_collector_elsewhere_has_no_secret_and_says_so(make_system):
    system = make_system(serve__roles="edge api")
    token = tap(system)
    collector = Brinco(system.brinco.directory.parent / "c", system.redis.url,
                       serve__roles="collector")
    collector.start(wait=False)
    wait_for(lambda: "event=started" in collector.log(), what="it runs")
    try:
        reports = Reports(system.keys)
        reports.open(token, "install")
        reports.verified(token, "signup")
        wait_judged(reports)
        counted = funnel(system.keys)
        assert counted["install\tunverified"] == 1
        assert counted["signup\tverified"] == 1
        assert "credit_without_secret" in collector.log()
    finally:
        collector.close()


def test_killed_collectors_book_everything_once(make_system):
    """Two of them, killed at any moment, while two streams bring every event several times."""
    chance = random.Random(5)
    system = make_system(serve__roles="edge api")
    taps = [tokens.token_of(system.tap("AB12CD", agents.ANDROID).location) for _ in range(60)]
    system.wait_shipped()
    system.campaign("spring", checks="too_soon_s=off many_by_visitor=off many_by_network=off")
    places = [system.brinco.directory.parent / f"c{n}" for n in range(2)]
    collectors = [Brinco(place, system.redis.url, serve__roles="collector api")
                  for place in places]
    reports = [Reports(system.keys, f"brinco:conversions:{edge}:0") for edge in "ef"]
    try:
        for round_number in range(6):
            for collector in collectors:
                if collector.process is None:
                    collector.start(wait=False)
            for token in taps:
                for event in ("install", "signup", "first_loan"):
                    chance.choice(reports).verified(token, event, value=100, currency="MXN")
            collectors[round_number % 2].kill()
        for collector in collectors:
            (collector if collector.process else collector.start(wait=False)).ready()
        wait_judged(*reports)
    finally:
        for collector in collectors:
            collector.close()
    expected = {}
    for event in ("install", "signup", "first_loan"):
        expected[f"{event}\tverified"] = len(taps)
        expected[f"{event}\tverified\tMXN"] = 100 * len(taps)
        expected[f"{event}\trepeated"] = 5 * len(taps)
    assert funnel(system.keys) == expected
    assert funnel(system.keys, "campaign:spring") == expected
    assert funnel(system.keys, "link:AB12CD") == expected
    assert system.keys.xlen("brinco:judged") == 18 * len(taps)


# ---- reconcile ----

def test_reconcile_holds_what_was_judged_against_what_was_queued(credit):
    token = tap(credit)
    for _ in range(3):
        credit.reports.verified(token, "install")
    credit.keys.xadd(credit.reports.stream, {"no": "conversion"},
                     id=f"{credit.reports.last_ms}-4")
    credit.reports.sequence = 4
    wait_judged(credit.reports)
    settle(credit)
    outcome = Outcome(credit)
    assert outcome.status == 0, outcome
    assert outcome.explained()["conversions"] == 4
    assert f"{credit.reports.stream}: 4 conversions were judged, 0 wait" in outcome.text
    assert "conversions_numbers" not in outcome.explained()

    credit.keys.hincrby("brinco:funnel:total", credit.reports.stream, -1)
    outcome = Outcome(credit)
    assert outcome.status != 0 and outcome.whats() == ["conversions_judged"], outcome
    assert "4 conversions were queued, but 3 were judged and 0 wait" in outcome.text
    credit.keys.hincrby("brinco:funnel:total", credit.reports.stream, 1)

    credit.keys.delete("brinco:conversion-mark")  # nobody goes on, and nothing is counted twice
    credit.reports.sequence = 9  # numbers 5 to 9 were lost by the journal
    credit.reports.add("install", code="AB12CD")
    credit.keys.hset("brinco:conversion-mark", credit.reports.stream,
                     f"{credit.reports.last_ms - 1}-4")
    wait_for(lambda: credit.reports.judged() == 5, what="the last is judged")
    outcome = Outcome(credit)
    assert outcome.status == 0 and "conversions_numbers" in outcome.explained(), outcome

    credit.keys.set("brinco:conversions:bad:0", "text")
    credit.keys.sadd("brinco:conversion-streams", "brinco:conversions:bad:0",
                     "brinco:conversions:never:0")
    outcome = Outcome(credit)
    assert outcome.whats() == ["conversions_stream"], outcome


# ---- the list ----

def ask(api, query=""):
    status, headers, body = api.ask("GET", f"/v1/conversions{query}")
    openapi.check_answer("GET", "/v1/conversions", status, headers, body)
    return status, json.loads(body)


def test_they_are_listed_the_newest_first(credit):
    api = Api(credit, "read")
    assert ask(api) == (200, {"conversions": []})
    token = tap(credit)
    reports = credit.reports
    first = reports.verified(token, "install", user="ana", install_begin_at="1000")
    second = reports.add("signup", "forged", code="AB12CD", click="A" * 32)
    third = reports.verified(token, "install")
    wait_judged(reports)
    rows = ask(api)[1]["conversions"]
    assert [row["id"] for row in rows] == [third, second, first]
    assert [row["counted"] for row in rows] == [False, True, True]
    assert rows[2]["reasons"] == ["click_after_install", "too_soon", "own_link"]
    assert rows[2]["click_id"] == tokens.click_id(token)
    assert rows[2]["judged_at"] >= rows[2]["at"]
    assert (rows[1]["status"], rows[1]["owner"], rows[1]["value"]) == ("forged", "ana", 0)

    def ids(query):
        return [row["id"] for row in ask(api, query)[1]["conversions"]]

    assert ids("?status=forged") == [second]
    assert ids("?limit=1") == [third]
    assert ids(f"?click={token}") == ids(f"?click={tokens.click_id(token)}") == [third, first]
    assert ids("?code=AB12CD&status=verified") == [third, first]
    assert ids("?code=nobody") == []
    for query in ("?status=good", "?limit=0", "?limit=1001", "?click=abc", "?code=a:b", "?page=2",
                  "?status=", "?limit="):
        assert ask(api, query)[0] == 400, query
    assert Api(credit, "events").ask("GET", "/v1/conversions")[0] == 403


def test_what_others_write_there_is_no_number(credit):
    api = Api(credit, "read")
    credit.keys.xadd("brinco:judged", {"id": "\"x\"", "at": "-5", "value": "NaN", "counted": "yes",
                                       "reasons": " a  b ", "event": "\x00\x1b"})
    _, _, body = api.ask("GET", "/v1/conversions")
    row = json.loads(body)["conversions"][0]
    assert (row["id"], row["at"], row["value"], row["counted"]) == ("\"x\"", None, None, False)
    assert (row["reasons"], row["event"], row["code"]) == (["a", "b"], "\x00\x1b", "")
    credit.keys.delete("brinco:judged")
    credit.keys.set("brinco:judged", "text")
    assert api.ask("GET", "/v1/conversions")[0] == 503
