"""A month of taps with known totals, from the tap to the answer, compared cell by cell.

The clock of all programs is moved through October 2026 in Madrid, where the 25th has 25 hours.
What must come out is added up here, from what was sent alone.
"""

import collections
import csv
import datetime
import email.utils
import io
import itertools
import json
import random
import zoneinfo

import pytest

from harness import agents
from harness.api import Api
from harness.clock import MovedClock
from harness.http import Connection, request
from harness.wait import wait_for
from test_fields import make_database

MADRID = zoneinfo.ZoneInfo("Europe/Madrid")
FIRST, LAST = datetime.date(2026, 10, 1), datetime.date(2026, 10, 31)
HOURS = (0, 2, 14, 23)
TAPS_AN_HOUR = 8

NETWORKS = {"189.203.0.0/16": ("MX", "CMX"), "8.8.8.0/24": ("US", "CA"), "81.40.0.0/16": ("ES", "")}
ADDRESSES = ([f"189.203.7.{n}" for n in range(1, 6)] + ["8.8.8.8", "8.8.8.9", "81.40.3.4"] +
             ["203.0.113.5"])
PLACES = {"189": ("MX", "CMX"), "8": ("US", "CA"), "81": ("ES", "unknown"),
          "203": ("unknown", "unknown")}

# User-Agent: kind, platform, browser, in_app.
AGENTS = {
    agents.ANDROID: ("human", "android", "chrome", "none"),
    agents.IPHONE: ("human", "ios", "safari", "none"),
    agents.WINDOWS: ("human", "windows", "chrome", "none"),
    agents.INSTAGRAM_ANDROID: ("human", "android", "webview", "instagram"),
    agents.PREVIEWS["whatsapp"]: ("preview", None, None, None),
    agents.BOTS["uptime"]: ("bot", None, None, None),
}
LANGUAGES = {"": "unknown", "es-MX": "es-MX", "en-US": "en-US"}
REFERRERS = {"": "none", "https://www.facebook.com/x": "www.facebook.com"}
SOURCES = {"": "none", "flyer": "flyer", "%3DSUM(1)": "=SUM(1)"}
# Code: campaign, owner, outcome on android, ios and elsewhere.
CODES = {
    "AB12CD": ("spring", ("play_store", "app_store", "web")),
    "AUTUMN1": ("autumn", ("play_store", "app_store", "web")),
    "OWNURL": ("autumn", ("override",) * 3),
    "PAUSED1": ("spring", ("fallback",) * 3),
    "NOSUCH": ("", ("not_found",) * 3),
}
KINDS = {"human": "clicks", "preview": "previews", "bot": "bots", "prefetch": "prefetches",
         "head": "heads"}
LISTS = ("country", "region", "platform", "browser", "in_app", "language", "referrer", "source",
         "outcome")


class Tap:
    """One tap: what is sent, and what is to be counted for it."""

    def __init__(self, chance, when):
        self.when = when
        self.code = chance.choice(list(CODES))
        self.agent = chance.choices(list(AGENTS), (6, 4, 1, 2, 1, 1))[0]
        self.address = chance.choice(ADDRESSES)
        self.spoken, self.came_from, self.tag = (
            chance.choice(list(table)) for table in (LANGUAGES, REFERRERS, SOURCES))
        self.method = chance.choices(("GET", "HEAD"), (20, 1))[0]
        self.prefetched = chance.random() < 0.03

    def send(self, connection):
        headers = [f"X-Forwarded-For: {self.address}"]
        headers += [f"Accept-Language: {self.spoken}"] if self.spoken else []
        headers += [f"Referer: {self.came_from}"] if self.came_from else []
        headers += ["Sec-Purpose: prefetch"] if self.prefetched else []
        target = f"/{self.code}" + (f"?s={self.tag}" if self.tag else "")
        data = request(target, self.method, self.agent, headers)
        reply = connection.ask(data, to_head=self.method == "HEAD")
        assert reply.status == (404 if self.code == "NOSUCH" else 200 if self.is_page else 302)

    @property
    def is_page(self):
        return AGENTS[self.agent][0] == "preview"

    @property
    def campaign(self):
        return CODES[self.code][0]

    @property
    def kind(self):
        if self.method == "HEAD":
            return "head"
        return "prefetch" if self.prefetched else AGENTS[self.agent][0]

    def values(self, platform_of):
        """By list. What an agent that is no person passes for is taken from the click itself."""
        platform, browser, in_app = AGENTS[self.agent][1:]
        if platform is None:
            platform, browser, in_app = platform_of[self.agent]
        country, region = PLACES[self.address.split(".", maxsplit=1)[0]]
        outcome = CODES[self.code][1][{"android": 0, "ios": 1}.get(platform, 2)]
        return {"country": country, "region": region, "platform": platform, "browser": browser,
                "in_app": in_app, "language": LANGUAGES[self.spoken],
                "referrer": REFERRERS[self.came_from], "source": SOURCES[self.tag],
                "outcome": outcome}

    @property
    def visitor(self):
        return self.when.date(), self.address, self.agent, self.spoken


def steps():
    """Twenty past some hours of every day; on the 25th, the hour at two comes twice."""
    day = FIRST
    while day <= LAST:
        for hour in HOURS:
            when = datetime.datetime(day.year, day.month, day.day, hour, 20, tzinfo=MADRID)
            yield when
            if when.utcoffset() != when.replace(fold=1).utcoffset():
                yield when.replace(fold=1)
        day += datetime.timedelta(days=1)


def has_come(connection, when):
    """Whether the worker has looked at its clock since it was moved: it does so now and then."""
    reply = connection.ask(request("/-/healthz"))
    return email.utils.parsedate_to_datetime(reply.header("Date")) >= when


class Month:
    """The system after the month, and every tap of it."""

    def __init__(self, system, clock):
        self.system, self.clock = system, clock
        self.api = Api(system)
        self.taps = []

    def live_through(self):
        chance = random.Random(20261001)
        for when in steps():
            self.clock.set(when.timestamp())
            with Connection(self.system.brinco.port) as connection:
                wait_for(lambda: has_come(connection, when), what="the clock is looked at")
                for _ in range(TAPS_AN_HOUR):
                    tap = Tap(chance, when)
                    tap.send(connection)
                    self.taps.append(tap)
        self.clock.set(datetime.datetime(2026, 11, 1, 12, tzinfo=MADRID).timestamp())
        self.system.wait_shipped()
        wait_for(lambda: self.ask("", interval="total")["totals"], what="any total")
        wait_for(lambda: self.total() == len(self.taps),
                 what=lambda: f"{self.total()} of {len(self.taps)} counted")
        wait_for(lambda: self.ask("")["complete"], what="the edge is heard")
        self.platform_of = {agent: self.platform_of_kind(kind)
                            for agent, (kind, platform, _, _) in AGENTS.items()
                            if platform is None}

    def platform_of_kind(self, kind):
        click = next(click for click in self.system.clicks() if click["kind"] == kind)
        return click["platform"], click["browser"] or "unknown", click["in_app"] or "none"

    def total(self):
        totals = self.ask("", interval="total")["totals"]
        return sum(totals[name] for name in KINDS.values())

    def ask(self, path, **choices):
        return self.api.stats(path, **{"from": FIRST, "to": LAST, "limit": 1000, **choices})


@pytest.fixture(scope="module")
def month(make_module_system, tmp_path_factory):
    place = tmp_path_factory.mktemp("month")
    database = place / "geo.mmdb"
    make_database(database, "".join(f"{network} {country} {region}\n" for network,
                                    (country, region) in NETWORKS.items()))
    clock = MovedClock(place)
    clock.set(datetime.datetime(2026, 9, 30, 12, tzinfo=MADRID).timestamp())
    system = make_module_system(
        start=False, clock=clock, serve__roles="edge collector api",
        edge__workers=1, edge__trusted_proxies="127.0.0.0/8", geo__database=database,
        stats__timezone="Europe/Madrid")
    system.campaign("autumn")
    system.link("AUTUMN1", campaign="autumn")
    system.link("OWNURL", campaign="autumn", url="https://www.example.mx/own")
    system.link("PAUSED1", status="paused")
    system.campaign("spring", fallback="https://www.example.mx/over")
    system.brinco.start().ready()
    found = Month(system, clock)
    found.live_through()
    return found


SCOPES = [("", lambda tap: True)]
SCOPES += [(f"campaigns/{name}", lambda tap, name=name: tap.campaign == name)
           for name in ("spring", "autumn")]
SCOPES += [(f"links/{code}", lambda tap, code=code: tap.code == code)
           for code in CODES if code != "NOSUCH"]


def label(when, interval):
    """The name of the interval that a tap falls in."""
    if interval == "hour":
        return when.replace(minute=0).isoformat(timespec="minutes")
    if interval == "week":
        return "{0:04d}-W{1:02d}".format(*when.isocalendar())
    return {"day": when.date().isoformat(), "month": f"{when:%Y-%m}", "total": ""}[interval]


def expected(month, taps, interval, lists=()):
    counts = collections.defaultdict(collections.Counter)
    for tap in taps:
        values = tap.values(month.platform_of)
        key = label(tap.when, interval), *(values[name] for name in lists)
        counts[key][KINDS[tap.kind]] += 1
    return dict(counts)


def found(report, lists=()):
    """Rows that are not all zero, by time and values."""
    counts = {}
    for row in report["rows"]:
        key = row["time"] or "", *(row[name] for name in lists)
        assert key not in counts, f"{key} is there twice"
        counter = collections.Counter({name: row[name] for name in KINDS.values() if row[name]})
        if counter:
            counts[key] = counter
    return counts


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month", "total"])
@pytest.mark.parametrize("path, belongs", SCOPES, ids=[path or "all" for path, _ in SCOPES])
def test_every_interval_of_every_scope_is_what_was_sent(month, path, belongs, interval):
    taps = [tap for tap in month.taps if belongs(tap)]
    report = month.ask(path, interval=interval)
    assert found(report) == expected(month, taps, interval)
    assert report["timezone"] == "Europe/Madrid"
    assert report["complete"] is True
    totals = collections.Counter(KINDS[tap.kind] for tap in taps)
    assert {name: report["totals"][name] for name in KINDS.values()} == {
        name: totals[name] for name in KINDS.values()}


@pytest.mark.parametrize("interval", ["hour", "day", "total"])
@pytest.mark.parametrize("path, belongs", SCOPES, ids=[path or "all" for path, _ in SCOPES])
def test_every_list_of_every_scope_is_what_was_sent(month, path, belongs, interval):
    taps = [tap for tap in month.taps if belongs(tap)]
    for name in LISTS:
        report = month.ask(path, interval=interval, by=name)
        assert found(report, [name]) == expected(month, taps, interval, [name]), name


@pytest.mark.parametrize("pair", itertools.combinations(LISTS, 2), ids="-".join)
def test_two_lists_crossed_are_what_was_sent(month, pair):
    report = month.ask("", interval="day", by=",".join(pair))
    assert found(report, pair) == expected(month, month.taps, "day", pair)


@pytest.mark.parametrize("wanted", [
    {"country": ["MX"], "platform": ["android"]},
    {"country": ["MX", "US"], "source": ["flyer"]},
    {"referrer": ["none"], "region": ["unknown"], "language": ["es-MX", "unknown"]},
], ids=str)
def test_filters_are_what_was_sent(month, wanted):
    text = ",".join(f"{name}:{value}" for name, values in wanted.items() for value in values)
    taps = [tap for tap in month.taps
            if all(tap.values(month.platform_of)[name] in values
                   for name, values in wanted.items())]
    assert taps, "nothing to look for"
    for interval in ("hour", "day"):
        report = month.ask("", interval=interval, by="browser", filter=text)
        assert found(report, ["browser"]) == expected(month, taps, interval, ["browser"])


@pytest.mark.parametrize("path, belongs", SCOPES, ids=[path or "all" for path, _ in SCOPES])
def test_people_of_a_day_are_its_visitors_and_a_range_sums_its_days(month, path, belongs):
    people = collections.defaultdict(set)
    for tap in month.taps:
        if belongs(tap) and tap.kind == "human":
            people[tap.when.date().isoformat()].add(tap.visitor)
    report = month.ask(path, interval="day")
    shown = {row["time"]: row["people"] for row in report["rows"] if row["people"]}
    assert shown.keys() == people.keys()
    for day, visitors in people.items():
        # A HyperLogLog may take two visitors for one; a link's first eight are counted one by one.
        is_exact = path.startswith("links/") and len(visitors) <= 8
        assert abs(shown[day] - len(visitors)) <= (0 if is_exact else 1), day
    assert report["totals"]["people"] == sum(shown.values())
    assert "sum" in report["people_are"]


def test_outcomes_of_people_are_what_was_sent(month):
    outcomes = collections.Counter(tap.values(month.platform_of)["outcome"] for tap in month.taps
                                   if tap.kind == "human")
    shown = month.ask("", interval="total")["totals"]["outcomes"]
    assert {name: count for name, count in shown.items() if count} == dict(outcomes)


def test_the_long_day_has_twenty_five_hours(month):
    report = month.ask("", interval="hour", **{"from": "2026-10-25", "to": "2026-10-25"})
    times = [row["time"] for row in report["rows"]]
    assert len(times) == 25
    assert times[2:4] == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]
    assert all(sum(row[name] for name in KINDS.values()) == TAPS_AN_HOUR
               for row in report["rows"][2:4])


@pytest.mark.parametrize("code", [None, "spring"])
def test_the_top_codes_are_those_with_the_most_clicks(month, code):
    counts = collections.Counter((tap.code, tap.campaign) for tap in month.taps
                                 if tap.kind == "human" and tap.code != "NOSUCH"
                                 and code in (None, tap.campaign))
    choices = {} if code is None else {"campaign": code}
    rows = month.ask("top", **choices)["rows"]
    assert [(row["code"], row["campaign"], row["clicks"]) for row in rows] == [
        (*key, count) for key, count in
        sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


@pytest.mark.parametrize("path, words", [
    ("", ["--all"]), ("campaigns/spring", ["--campaign", "spring"]), ("links/AB12CD", ["AB12CD"])])
@pytest.mark.parametrize("more", [{}, {"by": "country,platform"}, {"filter": "country:MX"}],
                         ids=str)
def test_api_csv_and_command_line_say_the_same(month, path, words, more):
    choices = {"from": FIRST, "to": LAST, **more}
    options = [word for name, value in choices.items() for word in (f"--{name}", value)]
    zone = ["-o", "stats.timezone=Europe/Madrid"]
    command = month.system.brinco.cli("stats", *words, *options, *zone, "--json")
    assert command.returncode == 0, command.stderr
    report, shown = month.api.stats(path, **choices), json.loads(command.stdout)
    for answer in (report, shown):
        del answer["data_through"]
    assert shown == report
    table = month.system.brinco.cli("stats", *words, *options, *zone, "--csv").stdout
    answer = month.api.get(f"/v1/stats/{path}".rstrip("/"), **choices, format="csv")
    assert table == answer.replace("\r\n", "\n")  # as subprocess reads text
    lists = more["by"].split(",") if "by" in more else []
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == len(report["rows"])
    for row, other in zip(rows, report["rows"]):
        assert [row[name] for name in lists] == [other[name] for name in lists]
        assert [int(row[name]) for name in KINDS.values()] == [other[name]
                                                               for name in KINDS.values()]


@pytest.mark.parametrize("day", [datetime.date(2026, 10, 31), datetime.date(2026, 10, 25)])
def test_reconcile_accounts_for_every_tap(month, day):
    outcome = month.system.brinco.cli("reconcile", "--day", day, "--json",
                                      "-o", "stats.timezone=Europe/Madrid")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    taps = sum(1 for tap in month.taps if tap.when.date() == day)
    assert f"{taps}" in outcome.stdout
