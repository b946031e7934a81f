"""SIGHUP: what can change at run time changes, a bad file changes nothing and says so."""

import signal

import pytest

from harness import agents
from harness.http import Connection, request
from harness.load import Load
from harness.wait import wait_for


class Configured:
    """A server with a configuration file beside its options."""

    def __init__(self, system, text):
        self.system, self.brinco = system, system.brinco
        self.path = system.brinco.directory / "brinco.conf"
        self.path.write_text(text)
        self.brinco.start("-c", self.path).ready()

    def reload(self, text, result="ok"):
        before = self.reloads(result)
        self.path.write_text(text)
        self.brinco.signal(signal.SIGHUP)
        wait_for(lambda: self.reloads(result) == before + 1, what="the file was read")

    def reloads(self, result):
        return self.brinco.metrics().sum("brinco_reloads_total", result=result)


@pytest.fixture
def configured(make_system):
    system = make_system(start=False)
    return lambda text: Configured(system, text)


@pytest.mark.short
def test_what_can_change_at_run_time_changes_on_sighup(configured):
    server = configured("[edge]\nhome_url = https://www.example.mx/old\n")
    assert server.brinco.get("/").location == "https://www.example.mx/old"
    server.reload("[edge]\nhome_url = https://www.example.mx/new\ndefault_campaign = spring\n")
    with Connection(server.brinco.port) as connection:
        reply = connection.ask(request("/", agent=agents.ANDROID))
    assert reply.location == "https://www.example.mx/new"
    wait_for(lambda: {server.system.tap("NOBODY").status for _ in range(20)} == {302}, 5)
    server.reload("")
    wait_for(lambda: server.brinco.get("/").status == 404, 5)


@pytest.mark.parametrize("text", ["[edge]\nhome_url = javascript:x\n", "[edge]\nnonsense = 1\n",
                                  "rubbish", "[edge]\nhome_url = https://www.example.mx/new\n"
                                  "workers = many\n", "[stats]\ntimezone = Nope/Zone\n"])
def test_a_bad_file_changes_nothing_and_says_so(configured, text):
    server = configured("[edge]\nhome_url = https://www.example.mx/old\n")
    server.reload(text, "failed")
    assert server.brinco.get("/").location == "https://www.example.mx/old"
    said = [line for line in server.brinco.log().splitlines() if "brinco.conf" in line]
    assert said, "the log names the file"


def test_a_file_that_is_gone_changes_nothing(configured):
    server = configured("[edge]\nhome_url = https://www.example.mx/old\n")
    before = server.reloads("failed")
    server.path.unlink()
    server.brinco.signal(signal.SIGHUP)
    wait_for(lambda: server.reloads("failed") == before + 1)
    assert server.brinco.get("/").location == "https://www.example.mx/old"


def test_what_needs_a_restart_is_named(configured):
    server = configured("[edge]\nmax_connections = 1000\n")
    server.reload("[edge]\nmax_connections = 2000\n")
    wait_for(lambda: "edge.max_connections" in server.brinco.log())


def test_options_of_the_command_line_still_win_after_a_reload(configured):
    server = configured("[edge]\nworkers = 1\n")
    server.reload("[edge]\nworkers = 1\n[redis]\nurl = redis://127.0.0.1:1/0\n")
    assert server.system.tap("AB12CD").status == 302
    server.brinco.ready()


def test_log_format_and_level_change(configured):
    server = configured("[log]\nlevel = error\n")
    server.reload("[log]\nlevel = debug\nformat = json\n")
    server.system.redis.drop_clients()
    wait_for(lambda: server.brinco.log().splitlines()[-1].startswith("{"))


def test_trusted_proxies_change(configured):
    server = configured("")

    def visitor(address):
        reply = server.system.tap("AB12CD", headers=[f"X-Forwarded-For: {address}"])
        return server.system.click_of(reply)["visitor"]

    assert visitor("203.0.113.1") == visitor("203.0.113.2")
    server.reload("[edge]\ntrusted_proxies = 127.0.0.1\n")
    wait_for(lambda: visitor("203.0.113.1") != visitor("203.0.113.2"), 5)


def test_taps_go_on_during_reloads(configured):
    server = configured("")
    with Load(server.brinco.port, ["AB12CD"], threads=3) as load:
        for number in range(20):
            server.reload(f"[edge]\nhome_url = https://www.example.mx/{number}\n")
    assert load.statuses() == {302}
    assert (load.broken, load.refused) == ([], [])
