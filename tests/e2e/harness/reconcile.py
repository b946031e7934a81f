"""What `brinco reconcile` says, and systems to ask it about."""

import datetime
import json
import zoneinfo

from . import agents
from .wait import wait_for

ZONE = zoneinfo.ZoneInfo("America/Mexico_City")
ROLES = {"serve__roles": "edge api collector"}
CELL = "\t" * 6  # between seven texts that are empty


def today():
    return datetime.datetime.now(ZONE).strftime("%Y%m%d")


class Outcome:
    """What it said, both ways."""

    def __init__(self, system, *words):
        text = system.brinco.cli("reconcile", *words)
        outcome = system.brinco.cli("reconcile", "--json", *words)
        assert text.returncode == outcome.returncode or not outcome.stdout
        self.status, self.stderr, self.text = outcome.returncode, outcome.stderr, text.stdout
        self.json = json.loads(outcome.stdout) if outcome.stdout else None

    def blamed(self):
        return [finding for finding in self.json["findings"] if not finding["explained"]]

    def whats(self):
        return sorted(finding["what"] for finding in self.blamed())

    def explained(self):
        return {finding["what"]: finding["count"] for finding in self.json["findings"]
                if finding["explained"]}

    def __repr__(self):
        return f"exit {self.status}\n{self.text}\n{self.stderr}"


def is_counted(system):
    marks = system.keys.hgetall("brinco:mark")
    for stream in system.keys.smembers("brinco:streams"):
        newest = system.keys.xrevrange(stream, count=1)
        if newest and marks.get(stream) != newest[0][0]:
            return False
    return True


def settle(system):
    system.wait_shipped()
    wait_for(lambda: is_counted(system), what="everything is counted")


def assert_holds(outcome):
    assert outcome.status == 0, outcome
    assert outcome.blamed() == [] and outcome.json["ok"] is True
    assert "!!" not in outcome.text


def counted_system(make_system):
    """Some taps of every kind, all counted; nothing runs any more but Redis."""
    system = make_system(**ROLES, edge__workers=1, journal__segment_mb=1)
    system.campaign("autumn")
    system.link("AUTUMN1", campaign="autumn")
    taps = [("AB12CD", agents.ANDROID), ("AB12CD", agents.IPHONE), ("AUTUMN1", agents.ANDROID),
            ("NOSUCH", agents.WINDOWS), ("AB12CD", agents.PREVIEWS["whatsapp"])]
    for _ in range(8):
        for code, agent in taps:
            system.tap(code, agent)
    settle(system)
    system.brinco.stop()
    assert_holds(Outcome(system))
    return system


def stream_of(system, worker=0):
    return f"brinco:clicks:{system.brinco.edge_id()}:{worker}"


def the_only(outcome, what):
    assert outcome.status == 1, outcome
    assert outcome.whats() == [what], outcome
    finding = outcome.blamed()[0]
    assert f"!! {finding['text']}" in outcome.text
    return finding


