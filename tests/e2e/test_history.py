"""Who changed what: through the API, in bulk, on the command line and by import."""

import getpass
import json
import socket

import pytest

from harness import openapi
from harness.api import Api

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
ME = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture(scope="module")
def api(shared):
    return Api(shared)


def write(api, method, path, body, expected):
    status, _, content = api.ask(method, path, json.dumps(body).encode(), JSON)
    assert status == expected, content


def history(api, path, template, **choices):
    """The entries, of an answer that docs/openapi.yaml describes."""
    query = "&".join(f"{name}={value}" for name, value in choices.items())
    status, headers, content = api.ask("GET", f"{path}/history" + (f"?{query}" if query else ""))
    openapi.check_answer("GET", f"{template}/history", status, headers, content)
    return status, json.loads(content).get("history")


def of_link(api, code, **choices):
    status, entries = history(api, f"/v1/links/{code}", "/v1/links/{code}", **choices)
    assert status == 200
    return entries


def lines(system, *words):
    outcome = system.brinco.cli(*words, "--json")
    assert outcome.returncode == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def ways(entries):
    return [(entry["action"], entry["via"], entry["who"]) for entry in entries]


def test_every_way_to_change_a_link_is_told(shared, api, tmp_path):
    write(api, "POST", "/v1/links", {"code": "hist1", "campaign": "spring", "owner": "ana"}, 201)
    write(api, "PATCH", "/v1/links/hist1", {"owner": "eva"}, 200)
    write(api, "PATCH", "/v1/links/hist1", {"owner": "eva"}, 200)  # changes nothing
    write(api, "PUT", "/v1/links/hist1", {"campaign": "spring", "owner": "ida"}, 200)
    status, _, content = api.ask("POST", "/v1/links/bulk", b'{"code":"hist1","owner":"bo"}\n',
                                 NDJSON)
    assert status == 200 and b"updated" in content
    assert shared.brinco.cli("link", "set", "hist1", "--owner", "cy").returncode == 0
    assert shared.brinco.cli("link", "pause", "hist1").returncode == 0
    file = tmp_path / "links.csv"
    file.write_text("code,owner,campaign\nhist1,di,spring\n")
    for _ in range(2):  # the second one changes nothing
        assert shared.brinco.cli("link", "import", file).returncode == 0
    assert shared.brinco.cli("link", "delete", "hist1").returncode == 0

    entries = of_link(api, "hist1")
    assert ways(entries) == [
        ("delete", "cli", ME), ("change", "import", ME), ("change", "cli", ME),
        ("change", "cli", ME), ("change", "api", "test-write"), ("change", "api", "test-write"),
        ("change", "api", "test-write"), ("create", "api", "test-write")]
    assert entries[0]["after"] is None and entries[-1]["before"] is None
    for newer, older in zip(entries, entries[1:]):
        assert newer["before"] == older["after"]
        assert newer["at"] >= older["at"]
    assert [e["before"]["owner"] for e in entries[:-1]] == [
        "di", "cy", "cy", "bo", "ida", "eva", "ana"]
    assert lines(shared, "link", "history", "hist1") == entries
    assert of_link(api, "hist1", limit=2) == entries[:2]
    assert 0 < shared.keys.ttl("brinco:history:link:hist1") <= 400 * 86400


def test_what_a_person_reads(shared):
    def cli(*words):
        outcome = shared.brinco.cli(*words)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    cli("campaign", "set", "hist2", "--web", "https://www.example.mx/a", "--name", "Otoño")
    cli("campaign", "set", "hist2", "--web", "https://www.example.mx/b", "--name", "")
    change, create = cli("campaign", "history", "hist2").split("\n\n")
    assert f"change  by {ME} (cli)" in change
    assert change.splitlines()[1:] == [
        "  - name                 Otoño",
        "  - web                  https://www.example.mx/a",
        "  + web                  https://www.example.mx/b"]
    assert "  + name                 Otoño" in create
    assert f"create  by {ME} (cli)" in create
    assert shared.brinco.cli("campaign", "history", "none").returncode == 1
    assert shared.brinco.cli("link", "history", "AB12CD", "--limit", "1001").returncode == 2


def test_what_other_hands_wrote_has_none_and_is_the_before_of_the_next_change(shared, api):
    shared.link("hist3", owner="ana")
    assert of_link(api, "hist3") == []
    assert shared.brinco.cli("link", "history", "hist3").stdout == "no change is known\n"
    shared.keys.hset("brinco:link:hist3", "owner", "\x1b[2Jeva")
    write(api, "PATCH", "/v1/links/hist3", {"owner": "ida"}, 200)
    (entry,) = of_link(api, "hist3")
    assert entry["before"]["owner"] == "\x1b[2Jeva"
    assert "\x1b" not in shared.brinco.cli("link", "history", "hist3").stdout


def test_what_is_wrong_is_said(api):
    assert history(api, "/v1/links/nothing", "/v1/links/{code}")[0] == 404
    assert history(api, "/v1/campaigns/nothing", "/v1/campaigns/{id}")[0] == 404
    for limit in ("0", "1001", "x"):
        assert history(api, "/v1/links/AB12CD", "/v1/links/{code}", limit=limit)[0] == 400
    assert api.ask("GET", "/v1/links/AB12CD/history?x=1")[0] == 400


def test_it_is_for_those_who_may_read(shared):
    reader = Api(shared, "read")
    assert reader.ask("GET", "/v1/links/AB12CD/history")[0] == 200
    events = Api(shared, "events")
    assert events.ask("GET", "/v1/links/AB12CD/history")[0] == 403


def test_so_many_and_no_more_and_none_at_all(make_system):
    system = make_system(history__entries=3)
    api = Api(system)
    for number in range(6):
        write(api, "PATCH", "/v1/links/AB12CD", {"owner": f"o{number}"}, 200)
    assert [e["after"]["owner"] for e in of_link(api, "AB12CD")] == ["o5", "o4", "o3"]
    for words in (("--owner", "x"), ("--owner", "y")):
        system.brinco.cli("link", "set", "none", "--campaign", "spring", *words,
                          "-o", "history.entries=0")
    assert of_link(api, "none") == []
