"""A simulated campaign of 100,000 taps and what became of them: every number of the funnel is held
against what was simulated."""

import collections
import json
import random
import re
import socket

from harness import agents, tokens
from harness.api import Api
from harness.http import request
from harness.wait import wait_for

TAPS = 100_000
CODES = [f"SIM{number:03d}" for number in range(40)]
PIPELINED = 50
SHARES = ((0.70, agents.ANDROID), (0.82, agents.IPHONE), (0.94, agents.PREVIEWS["whatsapp"]),
          (1.0, agents.BOTS["uptime"]))


class Tap:
    def __init__(self, draw):
        self.code = CODES[min(int(draw.expovariate(0.1)), len(CODES) - 1)]
        share = draw.random()
        self.agent = next(agent for limit, agent in SHARES if share < limit)
        self.address = f"10.{draw.randrange(200)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"
        self.location = None

    def request(self):
        return request(f"/{self.code}", agent=self.agent,
                       headers=[f"X-Forwarded-For: {self.address}"])

    @property
    def kind(self):
        return {agents.ANDROID: "clicks", agents.IPHONE: "clicks"}.get(
            self.agent, "previews" if "WhatsApp" in self.agent else "bots")


def read_answers(connection, count, rest=b""):
    """Status and Location of so many answers; the pages of previews are skipped."""
    found = []
    while len(found) < count:
        end = rest.find(b"\r\n\r\n")
        if end < 0:
            more = connection.recv(1 << 18)
            assert more, "closed in the middle"
            rest += more
            continue
        head = rest[: end + 2]
        size = int(re.search(rb"Content-Length: (\d+)\r\n", head).group(1))
        while len(rest) < end + 4 + size:
            more = connection.recv(1 << 18)
            assert more, "closed in the middle"
            rest += more
        location = re.search(rb"Location: ([^\r]*)\r\n", head)
        found.append((int(head[9:12]), location and location.group(1).decode()))
        rest = rest[end + 4 + size:]
    return found, rest


def tap_all(port, taps):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        rest = b""
        for begin in range(0, len(taps), PIPELINED):
            some = taps[begin : begin + PIPELINED]
            connection.sendall(b"".join(tap.request() for tap in some))
            answers, rest = read_answers(connection, len(some), rest)
            for tap, (status, location) in zip(some, answers):
                assert status == (200 if tap.kind == "previews" else 302)
                tap.location = location


def reports_of(taps, draw):
    """What a backend would report: installs of some Android clicks, and so on down; some twice,
    some with a token that was tampered with, some without."""
    reports, expected = [], collections.Counter()
    values = collections.Counter()
    for tap in taps:
        if tap.agent != agents.ANDROID or draw.random() >= 0.08:
            continue
        token = tokens.token_of(tap.location)
        for event, share in (("install", 1.0), ("signup", 0.5), ("first_loan", 0.4)):
            if draw.random() >= share:
                break
            fields = {"click": token, "code": tap.code, "event": event}
            if event == "first_loan":
                fields |= {"value": draw.randrange(1, 10_000_000), "currency": "MXN"}
            luck = draw.random()
            if luck < 0.03:
                fields["click"] = token[:31] + ("A" if token[31] != "A" else "B")
                expected[event, "forged"] += 1
            elif luck < 0.06:
                del fields["click"]
                expected[event, "unverified"] += 1
            else:
                expected[event, "verified"] += 1
                values[event] += fields.get("value", 0)
                if luck < 0.16:
                    reports.append(fields)
                    expected[event, "repeated"] += 1
            reports.append(fields)
    draw.shuffle(reports)
    return reports, expected, values


def test_the_funnel_is_what_was_simulated(make_system):
    draw = random.Random(20261121)
    system = make_system(serve__roles="edge collector api", edge__trusted_proxies="127.0.0.0/8")
    system.campaign("spring", android_package="mx.example.app",
                    checks="too_soon_s=off many_by_visitor=off many_by_network=off")
    for code in CODES:
        system.link(code, owner="ana")
    taps = [Tap(draw) for _ in range(TAPS)]
    tap_all(system.brinco.port, taps)
    reports, expected, values = reports_of(taps, draw)
    assert len(reports) > 5_000

    events = Api(system, "events")
    answered = collections.Counter()
    for begin in range(0, len(reports), 1000):
        status, _, body = events.ask("POST", "/v1/conversions",
                                     json.dumps(reports[begin : begin + 1000]),
                                     {"Content-Type": "application/json"})
        assert status == 202, body
        answered.update(result["status"] for result in json.loads(body))
    assert answered["verified"] == sum(count for (_, status), count in expected.items()
                                       if status in ("verified", "repeated"))

    api = Api(system)

    def whole():
        document = api.stats("campaigns/spring")
        judged = sum(event[status] for event in document["funnel"]["events"]
                     for status in ("verified", "unverified", "forged", "repeated"))
        is_whole = (judged == len(reports) and document["complete"] and
                    document["totals"]["clicks"] + document["totals"]["previews"] +
                    document["totals"]["bots"] == TAPS)
        return document if is_whole else None

    document = wait_for(whole, seconds=120, what="everything counted and judged")
    kinds = collections.Counter(tap.kind for tap in taps)
    assert {name: document["totals"][name] for name in kinds} == kinds
    assert document["funnel"]["clicks"] == kinds["clicks"]
    assert document["funnel"]["previews"] == kinds["previews"]
    people = len({(tap.address, tap.agent) for tap in taps if tap.kind == "clicks"})
    assert abs(document["funnel"]["people"] - people) < 0.03 * people
    for event in document["funnel"]["events"]:
        for status in ("verified", "unverified", "forged", "repeated"):
            assert event[status] == expected[event["event"], status], (event, status)
    loan = next(e for e in document["funnel"]["events"] if e["event"] == "first_loan")
    assert loan["value"]["MXN"]["verified"] == values["first_loan"]

    by_code = collections.Counter(tap.code for tap in taps if tap.kind == "clicks")
    for code in CODES[:5]:
        assert api.stats(f"links/{code}")["totals"]["clicks"] == by_code[code]
