"""The numbers as people ask for them: rollups written by hand, read by command line and API."""

import csv
import datetime
import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import zoneinfo

import pytest

from harness.api import Api
from harness.brinco import ENVIRONMENT, PROGRAM, run
from harness.wait import wait_for

OK, PARTIAL, USAGE = 0, 1, 2
ZONE = zoneinfo.ZoneInfo("America/Mexico_City")
KINDS = ["clicks", "previews", "bots", "prefetches", "heads"]
OUTCOMES = ["play_store", "app_store", "web", "override", "fallback", "default", "paused",
            "expired", "not_found", "unresolved", "desktop", "used_up"]
PLATFORMS = ["android", "ios", "windows", "macos", "linux", "other"]
TEXTS = ["country", "region", "browser", "in_app", "language", "referrer", "source"]


def today():
    return datetime.datetime.now(ZONE).date()


def days_ago(days):
    return today() - datetime.timedelta(days)


def key_day(day):
    return day.strftime("%Y%m%d")


def cell(hour=None, kind=0, outcome="play_store", platform="android", **texts):
    """The field of a rollup, as include/stats/cell.h says."""
    head = ("-" if hour is None else chr(ord("a") + hour)) + str(kind)
    head += chr(ord("0") + OUTCOMES.index(outcome)) + chr(ord("0") + PLATFORMS.index(platform))
    return head.encode() + b"\t".join(
        value if isinstance(value, bytes) else value.encode()
        for value in (texts.get(name, "") for name in TEXTS))


class Numbers:
    """A system and a hand that writes its rollups."""

    def __init__(self, system):
        self.system = system
        self.keys = system.keys

    def add(self, scope, day, field, count):
        self.keys.hincrby(f"brinco:stats:{scope}:{key_day(day)}", field, count)

    def index(self, day, campaign, count, kind=0):
        self.keys.hincrby(f"brinco:stats:index:{key_day(day)}", f"{campaign}\t{kind}", count)

    def top(self, day, code, campaign, count):
        self.keys.zadd(f"brinco:top:all:{key_day(day)}", {f"{code}\t{campaign}": count})
        self.keys.zadd(f"brinco:top:campaign:{campaign}:{key_day(day)}", {code: count})
        self.keys.hset(f"brinco:stats:link:{code}:{key_day(day)}", f"={campaign}", count)

    def heard(self, ago_ms=0, state="up"):
        """An edge whose only stream is counted."""
        stream = "brinco:clicks:edge:0"
        self.keys.sadd("brinco:streams", stream)
        self.keys.hset("brinco:heard", stream, f"{int(time.time() * 1000) - ago_ms} {state}")

    def stats(self, *words, **more):
        return self.system.brinco.cli("stats", *words, **more)

    def json(self, *words):
        outcome = self.stats(*words, "--json")
        assert outcome.returncode == OK
        answer = json.loads(outcome.stdout)
        warnings = outcome.stderr.splitlines()
        assert len(warnings) == (0 if answer["complete"] else 1)
        assert all("NOT COMPLETE: " in line for line in warnings)
        return answer

    def csv(self, *words):
        outcome = self.stats(*words, "--csv")
        assert outcome.returncode == OK
        return list(csv.DictReader(io.StringIO(outcome.stdout, newline="")))

    def fill(self):
        """Three days of a link, its campaign and the whole."""
        for ago, country, count in [(0, "MX", 5), (0, "GT", 2), (1, "MX", 11), (2, "", 3)]:
            day = days_ago(ago)
            self.add("link:AB12CD", day, cell(3, country=country), count)
            self.add("campaign:spring", day, cell(country=country), count)
            self.add("all", day, cell(country=country), count)
            self.index(day, "spring", count)
        self.add("link:AB12CD", days_ago(0), cell(4, kind=1, platform="ios"), 4)
        self.keys.hset(f"brinco:stats:link:AB12CD:{key_day(days_ago(0))}", "@", b"\0\1\2\3\4\5\6\7")
        for ago, count in [(0, 7), (1, 11), (2, 3)]:
            self.top(days_ago(ago), "AB12CD", "spring", count)
        self.top(days_ago(1), "ZZ99", "spring", 2)
        self.keys.pfadd(f"brinco:unique:all:{key_day(days_ago(0))}", *range(5))
        self.keys.pfadd(f"brinco:unique:all:{key_day(days_ago(1))}", *range(7))
        return self


@pytest.fixture(scope="module")
def filled(make_module_system):
    """Numbers of three days, without a server."""
    return Numbers(make_module_system(start=False)).fill()


@pytest.fixture
def numbers(make_system):
    return Numbers(make_system(start=False))


def one_line(outcome):
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert outcome.stderr.startswith("brinco stats")
    assert outcome.stdout == ""
    return outcome.stderr


def test_a_table_for_people(filled):
    filled.heard()
    outcome = filled.stats("AB12CD", "--last", "3d")
    assert (outcome.returncode, outcome.stderr) == (OK, "")
    lines = outcome.stdout.splitlines()
    assert lines[0] == f"Link AB12CD, {days_ago(2)} to {days_ago(0)}"
    assert [line.split() for line in lines[2:7]] == [
        ["time", *KINDS, "people"],
        [str(days_ago(2)), "3", "0", "0", "0", "0", "0"],
        [str(days_ago(1)), "11", "0", "0", "0", "0", "0"],
        [str(days_ago(0)), "7", "4", "0", "0", "0", "1"],
        ["total", "21", "4", "0", "0", "0", "1"],
    ]
    assert "People are counted by the day: a range adds its days up." in outcome.stdout
    assert re.search(r"Days of America/Mexico_City, counted through \d{4}-\d\d-\d\d "
                     r"\d\d:\d\d:\d\d [+-]\d{4}\.", outcome.stdout)
    assert "NOT COMPLETE" not in outcome.stdout
    assert "\x1b" not in outcome.stdout and "#" not in outcome.stdout


def test_a_warning_when_an_edge_is_silent(numbers):
    numbers.fill()
    assert "NOT COMPLETE: no edge is known." in numbers.stats("AB12CD").stdout
    numbers.heard(ago_ms=60_000)
    assert "NOT COMPLETE: 1 of 1 streams of clicks not heard from" in numbers.stats("--all").stdout
    assert numbers.json("--all")["complete"] is False
    numbers.heard()
    assert numbers.json("--all")["complete"] is True


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
@pytest.mark.parametrize("words, name", [(["--all"], "stats"), (["top"], "stats top")])
def test_not_complete_is_said_on_stderr_in_every_form(numbers, words, name, form):
    numbers.fill()
    numbers.heard(ago_ms=60_000)
    outcome = numbers.stats(*words, *form)
    assert outcome.returncode == OK
    assert outcome.stderr == (f"brinco {name}: NOT COMPLETE: 1 of 1 streams of clicks not heard "
                              "from; numbers may grow.\n")
    assert ("NOT COMPLETE" in outcome.stdout) == (form == [])
    numbers.heard()
    assert numbers.stats(*words, *form).stderr == ""


def on_a_terminal(arguments, columns, locale):
    """What the program writes to a terminal of that width."""
    main, second = pty.openpty()
    fcntl.ioctl(second, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in ENVIRONMENT.items() if key != "COLUMNS"}
    with subprocess.Popen([PROGRAM, *arguments], stdout=second, stdin=subprocess.DEVNULL,
                          env={**environment, "LC_ALL": locale}) as process:
        os.close(second)
        text = b""
        try:
            while chunk := os.read(main, 65536):
                text += chunk
        except OSError:
            pass  # the other end is closed
        assert process.wait() == OK
    os.close(main)
    return text.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("locale, block", [("C.UTF-8", "█"), ("C", "#")])
def test_bars_on_a_terminal(filled, locale, block):
    words = ["stats", "AB12CD", "--last", "3d", "-o", f"redis.url={filled.system.redis.url}"]
    text = on_a_terminal(words, 90, locale)
    bars = [re.search(r"[█-▏#]+$", line) for line in text.splitlines()[3:7]]
    assert [bool(bar) for bar in bars] == [True, True, True, False]
    lengths = [len(bar.group()) for bar in bars[:3]]
    assert lengths[1] == max(lengths) > lengths[2] > lengths[0] > 0
    assert bars[1].group() == block * lengths[1]
    assert max(map(len, text.splitlines())) < 90
    assert "\x1b" not in text
    assert not re.search(r"[█-▏#]{2}", on_a_terminal(words, 60, locale))


@pytest.mark.parametrize("columns, left_out", [
    (80, []), (60, ["heads"]), (50, ["prefetches", "heads"]),
    (40, ["bots", "prefetches", "heads"]), (36, ["previews", "bots", "prefetches", "heads"])])
def test_a_narrow_terminal_leaves_columns_out_and_says_which(filled, columns, left_out):
    words = ["stats", "AB12CD", "--last", "3d", "-o", f"redis.url={filled.system.redis.url}"]
    text = on_a_terminal(words, columns, "C")
    table = text.splitlines()[2:7]
    assert table[0].split() == [name for name in ["time", *KINDS, "people"] if name not in left_out]
    assert max(map(len, table)) < columns
    assert table[4].split()[:2] == ["total", "21"]
    said = re.findall(r"^Left out: (.*) \((\d+) columns are too few\)\.$", text, re.MULTILINE)
    assert said == ([(", ".join(left_out), str(columns))] if left_out else [])


def test_a_terminal_too_narrow_for_anything_gets_it_all(filled):
    words = ["stats", "AB12CD", "--last", "3d", "-o", f"redis.url={filled.system.redis.url}"]
    text = on_a_terminal(words, 25, "C")
    assert text.splitlines()[2].split() == ["time", *KINDS, "people"]
    assert "Left out" not in text


def test_an_option_that_is_given_twice_is_refused(filled):
    for words in (["A", "--filter", "country:MX", "--filter", "country:GT"],
                  ["top", "--limit", "1", "--limit", "1"]):
        outcome = filled.stats(*words)
        assert outcome.returncode == USAGE
        assert f"{words[1]} is given twice; allowed is once" in one_line(outcome)


def test_top_is_by_the_day(filled):
    outcome = filled.stats("top", "--last", "24h")
    assert outcome.returncode == USAGE
    assert "last: \"24h\": allowed is a number and d, w, m or y" in one_line(outcome)


def test_json_and_csv_say_the_same(filled):
    answer = filled.json("AB12CD", "--last", "3d", "--by", "country,platform")
    rows = filled.csv("AB12CD", "--last", "3d", "--by", "country,platform")
    assert [row["country"] for row in answer["rows"]] == ["unknown", "MX", "MX", "GT", "unknown"]
    assert answer["by"] == ["country", "platform"]
    assert answer["people_are"] is None
    for of_json, of_csv in zip(answer["rows"], rows, strict=True):
        assert [of_json["time"], of_json["country"], of_json["platform"]] == [
            of_csv["time"], of_csv["country"], of_csv["platform"]]
        assert [of_json[kind] for kind in KINDS] == [int(of_csv[kind]) for kind in KINDS]
        assert of_json["outcomes"] == {name: int(of_csv[name]) for name in OUTCOMES}
        assert of_json["people"] is None and of_csv["people"] == ""
    assert answer["totals"]["clicks"] == 21
    assert answer["totals"]["outcomes"]["play_store"] == 21


def test_people_of_a_range_are_the_sum_of_its_days(filled):
    answer = filled.json("--all", "--last", "2d", "--interval", "total")
    assert answer["people_are"] == "sum of days"
    assert answer["totals"]["people"] == 12
    assert answer["rows"][0]["time"] is None
    assert filled.json("--all", "--last", "1d")["people_are"] == "of the day"


def test_campaigns_of_the_whole(filled):
    answer = filled.json("--all", "--last", "3d", "--interval", "total", "--by", "campaign")
    assert [(row["campaign"], row["clicks"]) for row in answer["rows"]] == [("spring", 21)]
    assert answer["rows"][0]["outcomes"] is None


def test_any_bytes_give_valid_json_and_csv(numbers):
    source = b"=1+\xff\"\xc3\xb1,\x7f"
    numbers.add("all", today(), cell(source=source, referrer="a.example"), 1)
    answer = numbers.json("--all", "--last", "1d", "--by", "source,referrer")
    assert answer["rows"][0]["source"] == "=1+\N{REPLACEMENT CHARACTER}\"ñ,\x7f"
    rows = numbers.csv("--all", "--last", "1d", "--by", "source,referrer")
    assert rows[0]["source"] == "'=1+\N{REPLACEMENT CHARACTER}\"ñ,\x7f"
    assert "?" in numbers.stats("--all", "--last", "1d", "--by", "source").stdout


def test_what_is_not_there_is_one_line_and_exit_1(filled):
    outcome = filled.stats("NOBODY")
    assert outcome.returncode == PARTIAL
    assert "there is no link \"NOBODY\"" in one_line(outcome)
    assert filled.stats("--campaign", "nobody").returncode == PARTIAL
    assert filled.stats("top", "--campaign", "nobody").returncode == PARTIAL


@pytest.mark.parametrize("words", [
    "", "A B", "A --all", "--all --campaign spring", "A --json --csv", "a!b", "A --from x",
    "A --last 7d --to 2026-01-01", "A --by colour", "A --by campaign", "A --limit 0",
    "A --interval year", "A --filter MX", "A --last 3y", "A --interval hour --last 60d",
    "A --nonsense", "A --filter source:a\\", "A --filter foo:MX", "top A",
    "top --campaign=", "top --last 367d", "top --by country", "top --campaign a!b",
    "top --last 400d", "top --json --csv", "live A", "live --seconds 0", "live --seconds x"])
def test_wrong_questions_are_one_line_and_exit_2(filled, words):
    outcome = filled.stats(*words.split())
    assert outcome.returncode == USAGE
    one_line(outcome)


def test_a_wrong_question_is_refused_before_redis_is_asked(tmp_path):
    outcome = run("stats", "A", "--by", "colour", "-o", f"redis.url=unix://{tmp_path}/none")
    assert outcome.returncode == USAGE
    assert "by: \"colour\" is no list: allowed are country" in one_line(outcome)
    outcome = run("stats", "A", "-o", f"redis.url=unix://{tmp_path}/none")
    assert outcome.returncode == USAGE
    assert f"{tmp_path}/none" in one_line(outcome)


def test_codes_that_are_words_stand_behind_dashes(numbers):
    for code in ("top", "live", "help"):
        numbers.system.link(code)
        numbers.add(f"link:{code}", today(), cell(1), 3)
        outcome = run("stats", "-o", f"redis.url={numbers.system.redis.url}", "--json", "--last",
                      "1d", "--", code)
        assert json.loads(outcome.stdout)["totals"]["clicks"] == 3
    assert "Usage: brinco stats CODE" in run("stats", "help").stdout
    assert "Usage: brinco stats top" in run("stats", "--last", "1d", "top", "--help").stdout


def test_the_first(filled):
    outcome = filled.stats("top", "--last", "3d")
    assert outcome.returncode == OK
    assert [line.split()[:3] for line in outcome.stdout.splitlines()[2:5]] == [
        ["code", "campaign", "clicks"], ["AB12CD", "spring", "21"], ["ZZ99", "spring", "2"]]
    answer = filled.json("top", "--campaign", "spring", "--last", "1d", "--limit", "1")
    assert answer["rows"] == [{"code": "AB12CD", "campaign": "spring", "clicks": 7}]
    assert filled.stats("top", "--last", "2d", "--csv").stdout.splitlines() == [
        "code,campaign,clicks", "AB12CD,spring,18", "ZZ99,spring,2"]


def start_live(numbers, *words):
    return subprocess.Popen([PROGRAM, "stats", "live", *words, "-o",
                             f"redis.url={numbers.system.redis.url}"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=ENVIRONMENT)


def test_live_shows_what_is_added_and_ends_by_itself(numbers):
    numbers.index(today(), "spring", 1000)
    begun = numbers.system.redis.calls("hgetall")
    with start_live(numbers, "--json", "--seconds", "2") as live:
        wait_for(lambda: numbers.system.redis.calls("hgetall") >= begun + 2, what="a first look")
        numbers.index(today(), "spring", 3)
        numbers.index(today(), "", 1, kind=2)
        lines = [json.loads(line) for line in live.stdout]
        assert live.wait() == OK
        assert live.stderr.read() == ""
    assert len(lines) == 2
    assert sum(line["clicks"] for line in lines) == 3
    assert sum(line["bots"] for line in lines) == 1
    campaigns = {name: counts for line in lines for name, counts in line["campaigns"].items()}
    assert campaigns["spring"] == dict(zip(KINDS, [3, 0, 0, 0, 0], strict=True))
    assert campaigns["none"]["bots"] == 1


def test_live_ends_well_with_a_signal_and_a_closed_pipe(numbers):
    for number in (signal.SIGINT, signal.SIGTERM):
        with start_live(numbers) as live:
            assert live.stdout.readline().startswith("time  ")
            live.send_signal(number)
            assert live.wait(10) == OK
    with start_live(numbers) as live:
        assert live.stdout.readline().startswith("time  ")
        live.stdout.close()
        assert live.wait(10) == OK
        assert live.stderr.read() == ""


def test_live_waits_for_a_redis_that_is_away(numbers):
    with start_live(numbers, "--json") as live:
        live.stdout.readline()
        numbers.system.redis.kill()
        assert "trying again" in live.stderr.readline()
        numbers.system.redis.start()
        numbers.index(today(), "spring", 5)
        line = json.loads(live.stdout.readline())
        assert line["clicks"] == 5
        live.send_signal(signal.SIGINT)
        assert live.wait(10) == OK
        assert live.stderr.read() == ""


def test_a_year_of_a_link_takes_far_less_than_a_second(numbers):
    pipe = numbers.keys.pipeline(transaction=False)
    for ago in range(365):
        key = f"brinco:stats:link:AB12CD:{key_day(days_ago(ago))}"
        pipe.hset(key, mapping={cell(n % 24, region=f"R{n}", platform=PLATFORMS[n % 6]): n + 1
                                for n in range(100)})
    pipe.execute()
    began = time.monotonic()
    answer = numbers.json("AB12CD", "--last", "365d", "--by", "region")
    took = time.monotonic() - began
    assert answer["totals"]["clicks"] == 365 * 5050
    assert len(answer["rows"]) == 365 * 100
    assert took < 5, "for slow machines; a tenth of a second is usual"


# ---- the API ----

@pytest.fixture(scope="module")
def served(make_module_system):
    system = make_module_system()
    numbers = Numbers(system).fill()
    numbers.api = Api(system, "read")
    return numbers


FRESHNESS = re.compile(r'"data_through":("[^"]*"|null),"complete":(true|false)')

QUESTIONS = [
    ({"last": "3d"}, "day"),
    ({"last": "24h"}, "hour"),
    ({"last": "3d", "by": "country"}, "day"),
    ({"last": "4w", "interval": "week", "by": "country,platform", "limit": "1"}, "week"),
    ({"last": "3d", "interval": "total", "filter": "country:MX,platform:android"}, "total"),
]


@pytest.mark.parametrize("question, interval", QUESTIONS)
@pytest.mark.parametrize("scope, path", [(["AB12CD"], "links/AB12CD"),
                                         (["--campaign", "spring"], "campaigns/spring"),
                                         (["--all"], "")])
def test_api_and_command_line_give_the_same_bytes(served, scope, path, question, interval):
    words = [*scope, *(word for name, value in question.items() for word in (f"--{name}", value))]
    path = "/v1/stats" + (f"/{path}" if path else "")
    of_api = FRESHNESS.sub("", served.api.get(path, **question))
    of_cli = FRESHNESS.sub("", served.stats(*words, "--json").stdout)
    assert of_api == of_cli
    assert json.loads(served.api.get(path, **question))["interval"] == interval
    of_api = served.api.get(path, **question, format="csv")
    assert of_api.encode() == subprocess.run(
        [PROGRAM, "stats", *words, "--csv", "-o", f"redis.url={served.system.redis.url}"],
        capture_output=True, check=True, env=ENVIRONMENT).stdout
    assert of_api.count("\r\n") == of_api.count("\n") > 0


def test_top_of_the_api(served):
    for words, choices in [([], {}), (["--campaign", "spring"], {"campaign": "spring"})]:
        of_api = served.api.get("/v1/stats/top", last="3d", limit=5, **choices)
        of_cli = served.stats("top", "--last", "3d", "--limit", "5", "--json", *words).stdout
        assert FRESHNESS.sub("", of_api) == FRESHNESS.sub("", of_cli)
        assert json.loads(of_api)["rows"][0]["code"] == "AB12CD"


@pytest.mark.parametrize("accept, kind", [
    ("text/csv", "text/csv"), ("*/*", "application/json"), ("", "application/json"),
    ("application/json, text/csv;q=0.9", "application/json"),
    ("application/json;q=0.5, TEXT/CSV", "text/csv"), ("text/csv;q=0", "application/json"),
    ("text/html,text/csv;q=0.001", "text/csv")])
def test_csv_is_a_matter_of_negotiation(served, accept, kind):
    status, headers, body = served.api.ask("GET", "/v1/stats?last=1d", headers={"Accept": accept})
    assert status == 200
    assert headers["Content-Type"].split(";")[0] == kind
    assert headers["Brinco-Timezone"] == "America/Mexico_City"
    assert headers["Brinco-Complete"] in ("true", "false")
    assert body.startswith(b"time," if kind == "text/csv" else b"{")


@pytest.mark.parametrize("path, field", [
    ("?colour=red", "colour"), ("?by=colour", "by"), ("?by=country&by=region", "by"),
    ("?from=2026-02-30", "from"), ("?last=7d&to=2026-01-01", "last"), ("?limit=0", "limit"),
    ("?interval=year", "interval"), ("?filter=MX", "filter"), ("?format=xml", "format"),
    ("?format=csv&format=csv", "format"), ("/links/AB12CD?by=campaign", "by"),
    ("/links/a%20b", "code"), ("/campaigns/a%20b", "campaign"), ("/top?by=country", "by"),
    ("?filter=source:a%5C", "filter"), ("?filter=foo:MX", "filter"),
    ("/top?last=24h", "last"), ("/top?last=367d", "last"), ("/top?campaign=", "campaign"),
    ("?filter=country:MX&filter=country:GT", "filter"),
    ("/top?campaign=a%20b", "campaign"), ("/top?campaign=a&campaign=b", "campaign"),
    ("?interval=hour&last=60d", "interval"), ("?last=9999d", "last"),
    ("?%00%0d%0aX-A:%20b=1", "\0\r\nX-A: b".split("\0", maxsplit=1)[0] or None)])
def test_a_problem_names_the_field(served, path, field):
    status, headers, body = served.api.ask("GET", "/v1/stats" + path)
    assert status == 400, body
    assert headers["Content-Type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == 400
    assert "allowed" in problem["detail"] or "twice" in problem["detail"]
    assert problem.get("field") == field
    assert headers.get("X-A") is None


@pytest.mark.parametrize("path", ["links/NOBODY", "campaigns/nobody", "top?campaign=nobody"])
def test_unknown_is_a_404_that_says_so(served, path):
    status, headers, body = served.api.ask("GET", f"/v1/stats/{path}")
    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"
    assert "nothing was counted for it" in json.loads(body)["detail"]
