"""The command line: what it prints, what it writes, and the exit codes that scripts rely on."""

import json
import os
import re
import time

import pytest

from harness.brinco import run

OK, PARTIAL, USAGE = 0, 1, 2
IMPORT_LINKS = int(os.environ.get("BRINCO_IMPORT_LINKS", 100_000))

SUBCOMMANDS = ["", "serve", "config", "link", "campaign", "journal",
               *(f"link {verb}" for verb in "new set get list pause resume delete import".split()),
               *(f"campaign {verb}" for verb in "set get list delete".split()),
               *(f"journal {verb}" for verb in "ls dump verify".split()),
               "stats", "stats top", "stats live"]


@pytest.fixture
def keys(make_system):
    """A system without a server: its Redis is what commands write to."""
    return make_system(start=False)


@pytest.fixture
def brinco(keys):
    """brinco WORDS... on that Redis; exit code, stdout, stderr."""
    def call(*words, **more):
        return keys.brinco.cli(*words, **more)

    return call


def one_line(outcome):
    """A complaint is one line on stderr that says who complains."""
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert outcome.stderr.startswith("brinco")
    assert outcome.stdout == ""
    return outcome.stderr


@pytest.mark.parametrize("words", SUBCOMMANDS)
def test_help_is_everywhere_and_has_examples(words):
    outcome = run(*words.split(), "--help")
    assert outcome.returncode == OK
    assert outcome.stderr == ""
    assert "Usage: brinco" in outcome.stdout
    assert re.search(r"Examples?:\n  .*brinco", outcome.stdout)
    assert max(map(len, outcome.stdout.splitlines())) <= 100


@pytest.mark.parametrize("words", SUBCOMMANDS)
def test_help_is_a_word_too(words):
    assert run("help", *words.split()).stdout == run(*words.split(), "--help").stdout
    assert run("help", *words.split()).returncode == OK


@pytest.mark.parametrize("words", ["nonsense", "link nonsense", "link", "link set", "link get",
                                   "link get A B", "link set A --nonsense x",
                                   "link set A --campaign",
                                   "campaign set", "journal nonsense", "config --nonsense",
                                   "link get A -o", "link get A -o nonsense=1",
                                   "link get A -o edge.workers=many", "link get A -c /no/such/file",
                                   "link list --limit x"])
def test_wrong_usage_is_one_line_and_exit_2(brinco, words):
    outcome = brinco(*words.split())
    assert outcome.returncode == USAGE
    one_line(outcome) if words not in ("link",) else None


def test_a_redis_that_is_not_there_is_one_line_and_exit_2(tmp_path):
    outcome = run("link", "get", "A", "-o", f"redis.url=unix://{tmp_path}/none.sock")
    assert outcome.returncode == USAGE
    assert f"{tmp_path}/none.sock" in one_line(outcome)


def test_a_password_is_never_shown():
    outcome = run("link", "get", "A", "-o", "redis.url=redis://user:hunter2@127.0.0.1:1/0")
    assert outcome.returncode == USAGE
    assert "hunter2" not in outcome.stderr
    outcome = run("config", "-o", "redis.url=redis://user:hunter2@127.0.0.1:1/0")
    assert outcome.returncode == OK
    assert "hunter2" not in outcome.stdout
    assert "***" in outcome.stdout


def test_a_masked_password_is_not_taken_for_one(tmp_path):
    """What `brinco config` prints is a file, but for the password."""
    path = tmp_path / "brinco.conf"
    path.write_text(run("config", "-o", "redis.url=redis://user:hunter2@127.0.0.1:1/0").stdout)
    line = path.read_text().splitlines().index("url = redis://user:***@127.0.0.1:1/0") + 1
    for words in (("config",), ("serve",), ("link", "list"), ("journal", "ls")):
        outcome = run(*words, "-c", path)
        assert outcome.returncode == USAGE
        assert f"{path}:{line}: redis.url: the password is masked" in one_line(outcome)


def test_a_link_is_set_shown_changed_paused_resumed_and_deleted(brinco, keys):
    before = int(time.time())
    assert brinco("link", "set", "NEW1", "--campaign", "spring", "--owner", "ana & co",
                  "--expires-at", "2031-01-31T00:00:00Z").returncode == OK
    stored = keys.keys.hgetall("brinco:link:NEW1")
    assert before <= int(stored.pop("created_at")) <= time.time() + 1
    stored.pop("status", None)
    assert " cli " in stored.pop("made")  # who: test_history.py
    assert stored == {"campaign": "spring", "owner": "ana & co", "expires_at": "1927584000"}

    assert brinco("link", "set", "NEW1", "--url", "https://www.example.mx/{code}").returncode == OK
    shown = json.loads(brinco("link", "get", "NEW1", "--json").stdout)
    assert shown["code"] == "NEW1"
    assert shown["owner"] == "ana & co"
    assert shown["url"] == "https://www.example.mx/{code}"
    assert shown["expires_at"] == 1927584000
    assert "ana & co" in brinco("link", "get", "NEW1").stdout

    assert brinco("link", "set", "NEW1", "--expires-at", "").returncode == OK
    assert not keys.keys.hexists("brinco:link:NEW1", "expires_at")
    assert brinco("link", "pause", "NEW1").returncode == OK
    assert keys.keys.hget("brinco:link:NEW1", "status") == "paused"
    assert brinco("link", "resume", "NEW1").returncode == OK
    assert keys.keys.hget("brinco:link:NEW1", "status") in ("active", None)
    assert brinco("link", "delete", "NEW1").returncode == OK
    assert not keys.keys.exists("brinco:link:NEW1")


@pytest.mark.parametrize("verb", ["get", "pause", "resume", "delete"])
def test_a_link_that_does_not_exist_is_exit_1_and_stays_that_way(brinco, keys, verb):
    outcome = brinco("link", verb, "NOBODY")
    assert outcome.returncode == PARTIAL
    assert "NOBODY" in one_line(outcome)
    assert not keys.keys.exists("brinco:link:NOBODY")


@pytest.mark.parametrize("verb", ["get", "pause", "resume"])
def test_a_key_of_another_type_is_no_fault_of_usage(brinco, keys, verb):
    keys.keys.set("brinco:link:TEXT", "x")
    outcome = brinco("link", verb, "TEXT")
    assert outcome.returncode == USAGE
    assert "WRONGTYPE" in one_line(outcome)
    assert "--help" not in outcome.stderr
    assert "see brinco link get --help" in one_line(brinco("link", "get", "no code"))


@pytest.mark.parametrize("option, value", [
    ("--url", "http://www.example.mx/"), ("--url", "javascript:alert(1)"),
    ("--url", "https://www.example.mx/{secret}"), ("--url", "https://{code}.mx/"),
    ("--status", "maybe"), ("--starts-at", "soon"), ("--expires-at", "-1"),
    ("--campaign", "a b"), ("--owner", "o" * 129), ("--owner", "a\nb"),
], ids=lambda text: text[:24])
def test_a_field_that_makes_no_sense_is_refused_by_name(brinco, keys, option, value):
    outcome = brinco("link", "set", "NEW1", "--campaign", "spring", option, value)
    assert outcome.returncode in (PARTIAL, USAGE)
    assert option.strip("-").replace("-", "_") in one_line(outcome).replace("-", "_")
    assert not keys.keys.exists("brinco:link:NEW1")


@pytest.mark.parametrize("code", ["a.b", "x" * 65, "é", "a b", ""],
                         ids=["dot", "long", "accent", "space", "empty"])
def test_a_code_that_is_none_is_refused(brinco, code):
    outcome = brinco("link", "set", code, "--campaign", "spring")
    assert outcome.returncode in (PARTIAL, USAGE)
    one_line(outcome)


def test_a_link_that_leads_nowhere_is_refused(brinco):
    assert brinco("link", "set", "NEW1", "--owner", "ana").returncode in (PARTIAL, USAGE)


def test_links_are_listed_for_people_and_for_programs(brinco, keys):
    for number in range(30):
        campaign = "spring" if number % 3 else "other"
        keys.link(f"list-{number}", campaign=campaign, owner=f"o{number}")
    lines = [json.loads(line) for line in brinco("link", "list", "--json").stdout.splitlines()]
    assert {line["code"] for line in lines} == {"AB12CD", *(f"list-{n}" for n in range(30))}
    table = brinco("link", "list", "--campaign", "other").stdout.splitlines()
    assert len(table) == 11
    assert table[0].split()[0] == "code"
    assert len(brinco("link", "list", "--limit", "5", "--json").stdout.splitlines()) == 5


def test_control_bytes_from_redis_do_not_reach_a_terminal(brinco, keys):
    keys.link("ESC", owner="\x1b[31mred\x07\r\nfake")
    for words in (("link", "get", "ESC"), ("link", "list")):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", brinco(*words).stdout)
    assert json.loads(brinco("link", "get", "ESC", "--json").stdout)["owner"].startswith("\x1b")


def test_a_campaign_is_set_shown_listed_and_deleted(brinco, keys):
    assert brinco("campaign", "set", "fall", "--name", "Otoño", "--android",
                  "https://play.google.com/store/apps/details?id=mx.app&referrer={referrer}",
                  "--web", "https://www.example.mx/", "--og-title", "¡Hola!").returncode == OK
    assert keys.keys.hget("brinco:campaign:fall", "name") == "Otoño"
    shown = json.loads(brinco("campaign", "get", "fall", "--json").stdout)
    assert (shown["name"], shown["og_title"]) == ("Otoño", "¡Hola!")
    assert "Otoño" in brinco("campaign", "get", "fall").stdout
    listed = brinco("campaign", "list", "--json").stdout.splitlines()
    assert len(listed) == 2
    assert brinco("campaign", "delete", "fall").returncode == OK
    assert brinco("campaign", "get", "fall").returncode == PARTIAL
    assert brinco("campaign", "delete", "fall").returncode == PARTIAL


@pytest.mark.parametrize("option, value", [
    ("--android", "http://a.mx/"), ("--web", "https://a.mx/{x}"), ("--ios", "itms-apps://x/"),
    ("--og-title", "a\x07b"), ("--og-image", "javascript:x"), ("--status", "on"),
])
def test_a_campaign_that_makes_no_sense_is_refused_by_field(brinco, keys, option, value):
    outcome = brinco("campaign", "set", "bad", "--web", "https://a.mx/", option, value)
    assert outcome.returncode in (PARTIAL, USAGE)
    assert option.strip("-").replace("-", "_") in one_line(outcome).replace("-", "_")
    assert not keys.keys.exists("brinco:campaign:bad")


def test_config_prints_every_key_as_a_file_that_can_be_read_again(tmp_path):
    first = run("config", "-o", "edge.workers=3", "-o", "edge.listen=[::1]:8080 127.0.0.1:9")
    assert first.returncode == OK
    path = tmp_path / "brinco.conf"
    path.write_text(first.stdout)
    assert run("config", "-c", path).stdout == first.stdout
    assert run("config", "-c", path, "edge.workers").stdout == "3\n"
    assert json.loads(run("config", "-c", path, "--json").stdout)


@pytest.mark.parametrize("text, line, key", [
    ("[edge]\nworkers = many\n", 2, "edge.workers"), ("[edge]\nworkers = 65\n", 2, "edge.workers"),
    ("[edge]\nnonsense = 1\n", 2, "nonsense"), ("[nonsense]\nx = 1\n", 2, "nonsense"),
    ("[edge]\nlisten = 1.2.3.4:99999\n", 2, "edge.listen"), ("[log]\n\nformat = xml\n", 3,
                                                              "log.format"),
    ("workers = 1\n", 1, "workers"), ("[edge\n", 1, ""), ("[redis]\nurl = http://x\n", 2,
                                                        "redis.url"),
    ("[redis]\nurl = redis://h/99x\n", 2, "redis.url"),
    ("[redis]\n\nurl = redis://:***@h\n", 3, "redis.url"),
    ("[stats]\n\n\ntimezone = Nope/Zone\n", 4, "stats.timezone"),
])
def test_a_bad_configuration_names_file_line_key_and_what_is_allowed(tmp_path, text, line, key):
    path = tmp_path / "bad.conf"
    path.write_text(text)
    for words in (("config",), ("serve",), ("link", "list"), ("journal", "ls")):
        outcome = run(*words, "-c", path)
        assert outcome.returncode == USAGE
        said = one_line(outcome)
        assert f"{path}:{line}:" in said
        assert key in said


@pytest.mark.parametrize("option", ["redis.url=redis://h/99x", "stats.timezone=Nope/Zone"])
def test_a_bad_option_names_its_key(option):
    outcome = run("config", "-o", option)
    assert outcome.returncode == USAGE
    assert f": -o: {option.split('=')[0]}: " in one_line(outcome)


def test_a_csv_file_is_imported_and_what_is_refused_is_named(brinco, keys, tmp_path):
    path = tmp_path / "links.csv"
    path.write_text('code,campaign,owner,url,expires_at\r\n'
                    'CSV1,spring,"Ana ""la jefa"", S.A.",,2031-01-31T00:00:00Z\r\n'
                    'bad code,spring,x,,\r\n'
                    'CSV2,,,https://www.example.mx/{code},\r\n'
                    'CSV3,spring,x,http://no.mx/,\r\n'
                    'CSV4,spring,"two\nlines",,\r\n'
                    'CSV5,,x,,\r\n'
                    'CSV6,spring\r\n'
                    'CSV7,spring,"n",,soon\r\n'
                    'AB12CD,spring,bea,,\r\n')
    outcome = brinco("link", "import", path)
    assert outcome.returncode == PARTIAL
    refused = re.findall(rf"^{re.escape(str(path))}:(\d+): ", outcome.stderr, re.MULTILINE)
    assert set(map(int, refused)) == {3, 5, 6, 7, 8, 9, 10}
    assert keys.keys.hget("brinco:link:CSV1", "owner") == 'Ana "la jefa", S.A.'
    assert keys.keys.hget("brinco:link:CSV1", "expires_at") == "1927584000"
    assert keys.keys.hget("brinco:link:CSV2", "url") == "https://www.example.mx/{code}"
    assert keys.keys.hget("brinco:link:AB12CD", "owner") == "bea"
    for code in ("bad code", "CSV3", "CSV4", "CSV5", "CSV7"):
        assert not keys.keys.exists(f"brinco:link:{code}"), code


def test_an_unclosed_quote_costs_its_own_line_alone(brinco, keys, tmp_path):
    path = tmp_path / "links.csv"
    path.write_text('code,url\nQ1,https://a.mx/\n"Q2,https://a.mx/\nQ3,https://a.mx/\n'
                    'Q4,https://a.mx/\n')
    outcome = brinco("link", "import", path)
    assert outcome.returncode == PARTIAL
    assert outcome.stderr == f"{path}:3: a quote is not closed before the end of the line\n"
    assert outcome.stdout.startswith("imported 3, refused 1 of 4 lines")
    assert keys.keys.exists("brinco:link:Q1", "brinco:link:Q3", "brinco:link:Q4") == 3


def test_what_list_prints_can_be_imported_again(brinco, keys):
    keys.link("RT1", campaign="spring", owner='Ana "la jefa", \\', created_at="1600000000",
              status="paused", starts_at="1700000000", expires_at="1927584000")
    keys.link("RT2", url="https://www.example.mx/{code}", created_at="1600000001")
    assert brinco("link", "set", "RT3", "--campaign", "spring").returncode == OK
    keys.keys.hset("brinco:link:AB12CD", "created_at", "0")

    listed = brinco("link", "list", "--json").stdout
    codes = [json.loads(line)["code"] for line in listed.splitlines()]
    assert sorted(codes) == ["AB12CD", "RT1", "RT2", "RT3"]
    assert brinco("link", "delete", *codes).returncode == OK
    assert brinco("link", "list", "--json").stdout == ""
    outcome = brinco("link", "import", "-", stdin=listed)
    assert outcome.returncode == OK, outcome.stderr
    again = brinco("link", "list", "--json").stdout
    assert sorted(again.splitlines()) == sorted(listed.splitlines())


def test_when_a_link_was_made_can_be_imported(brinco, keys, tmp_path):
    def created_at(code):
        return keys.keys.hget(f"brinco:link:{code}", "created_at")

    path = tmp_path / "links.csv"
    path.write_text("code,campaign,created_at\nMADE1,spring,1600000000\nMADE2,spring,\n"
                    "MADE3,spring,soon\nAB12CD,spring,2020-01-01T00:00:00Z\n")
    outcome = brinco("link", "import", path)
    assert outcome.returncode == PARTIAL
    assert f"{path}:4: MADE3: created_at: " in outcome.stderr
    assert [created_at(code) for code in ("MADE1", "MADE2", "MADE3", "AB12CD")] == [
        "1600000000", None, None, "1577836800"]
    path.write_text("code,campaign\nMADE1,spring\nMADE2,spring\n")
    before = int(time.time())
    assert brinco("link", "import", path).returncode == OK
    assert created_at("MADE1") == "1600000000"
    assert before <= int(created_at("MADE2")) <= time.time() + 1


def test_json_lines_are_imported_from_standard_input(brinco, keys):
    text = ('{"code":"JS1","campaign":"spring","owner":"José","expires_at":1927584000}\n'
            '{"code":"JS2","campaign":"spring","owner":null}\n'
            'not json\n'
            '{"code":"JS3"}\n'
            '{"code":"JS4","campaign":"spring","nonsense":1}\n'
            '[1]\n'
            '{"code":"JS5","url":"https://www.example.mx/"}')
    outcome = brinco("link", "import", "-", "--format", "jsonl", "--json", stdin=text)
    assert outcome.returncode == PARTIAL
    assert json.loads(outcome.stdout)
    assert keys.keys.hget("brinco:link:JS1", "owner") == "José"
    assert keys.keys.exists("brinco:link:JS2", "brinco:link:JS5") == 2
    assert not keys.keys.exists("brinco:link:JS3")
    for line in (3, 4, 6):
        assert f":{line}:" in outcome.stderr


def test_a_dry_run_writes_nothing(brinco, keys, tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("code,campaign\nDRY1,spring\n")
    assert brinco("link", "import", path, "--dry-run").returncode == OK
    assert not keys.keys.exists("brinco:link:DRY1")


@pytest.mark.parametrize("content", ["", "\n", "nonsense,columns\n1,2\n", "code\nX\n", "\0\0\0",
                                     "code,campaign\n\"open", "{", "x" * 200_000],
                         ids=["empty", "blank", "columns", "too-few", "NUL", "open-quote", "brace",
                              "long-line"])
def test_a_file_that_is_none_of_both_is_refused(brinco, tmp_path, content):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    outcome = brinco("link", "import", path)
    assert outcome.returncode in (PARTIAL, USAGE) or content.strip() == ""
    assert len(outcome.stderr) < 5000


def test_a_file_that_is_not_there_is_said(brinco, tmp_path):
    outcome = brinco("link", "import", tmp_path / "none.csv")
    assert outcome.returncode == USAGE
    assert "none.csv" in one_line(outcome)


def test_many_links_are_imported_quickly(brinco, keys, tmp_path):
    """A million take well under a minute: BRINCO_IMPORT_LINKS=1000000."""
    path = tmp_path / "many.csv"
    with open(path, "w", encoding="ascii") as file:
        file.write("code,campaign,owner\n")
        file.writelines(f"many-{number},spring,owner-{number}\n" for number in range(IMPORT_LINKS))
    began = time.monotonic()
    outcome = brinco("link", "import", path, timeout=300)
    seconds = time.monotonic() - began
    assert outcome.returncode == OK, outcome.stderr
    assert keys.keys.dbsize() >= IMPORT_LINKS
    assert keys.keys.hget(f"brinco:link:many-{IMPORT_LINKS - 1}", "owner") == (
        f"owner-{IMPORT_LINKS - 1}")
    assert f"{IMPORT_LINKS}" in re.sub(r"[,. ](?=\d{3})", "", outcome.stdout + outcome.stderr)
    if "asan" not in os.environ.get("BRINCO_BIN", ""):
        assert seconds < 5 + IMPORT_LINKS / 1_000_000 * 50


def test_redis_that_goes_away_during_an_import_is_said(brinco, keys, tmp_path):
    """What was written until then is said, and a repeated import is harmless."""
    path = tmp_path / "links.csv"
    path.write_text("code,campaign\nA1,spring\n")
    keys.keys.config_set("maxmemory", "1")
    outcome = brinco("link", "import", path)
    assert outcome.returncode == USAGE
    assert outcome.stderr
    keys.keys.config_set("maxmemory", "0")
    assert brinco("link", "import", path).returncode == OK


def test_what_the_command_line_writes_can_be_tapped(make_system):
    """From nothing to a hop, by commands alone."""
    system = make_system()
    assert system.brinco.cli("campaign", "set", "cli", "--android",
                             "https://www.example.mx/?r={referrer}").returncode == OK
    assert system.brinco.cli("link", "set", "CLI1", "--campaign", "cli").returncode == OK
    assert system.tap("CLI1").location.startswith("https://www.example.mx/?r=utm_source%3Dbrinco")
    assert system.brinco.cli("link", "pause", "CLI1").returncode == OK
    deadline = time.monotonic() + 2
    while system.tap("CLI1").status != 410:
        assert time.monotonic() < deadline


def test_passwords_and_databases_of_redis_are_used(keys):
    keys.keys.config_set("requirepass", "p@ss:w/rd")
    url = f"unix://:p%40ss%3Aw%2Frd@{keys.redis.socket}?db=3"
    right = run("link", "set", "PW1", "--campaign", "x", "-o", f"redis.url={url}")
    assert right.returncode == OK, right.stderr
    assert keys.keys.info("keyspace")["db3"]["keys"] == 1
    assert run("link", "get", "PW1", "-o", f"redis.url={url}").returncode == OK
    wrong = run("link", "get", "PW1", "-o", f"redis.url=unix://{keys.redis.socket}?db=3")
    assert wrong.returncode == USAGE
    one_line(wrong)
