"""scripts/run, as a new reader would try it."""

import os
import re
import signal
import subprocess

import pytest

from harness import agents, clicks
from harness.brinco import PROGRAM, ROOT
from harness.http import Connection, request, tap
from harness.redis_server import RedisServer
from harness.wait import Port, wait_for

pytestmark = pytest.mark.skipif(PROGRAM != ROOT / "build/brinco",
                                reason="scripts/run runs build/brinco; another one is tested")


def listen_to_ctrl_c():
    """A shell that was started with SIGINT ignored, as all that runs in the background is, cannot
    be stopped by it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Run:
    """scripts/run in a session of its own, as from a terminal."""

    def __init__(self, directory, port, api_port):
        self.log = directory / "run.log"
        self.data = directory / "data"
        self.port, self.api_port = port, api_port
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [ROOT / "scripts/run", "--data", self.data, "--port", str(port), "--api-port",
                 str(api_port)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/",
                preexec_fn=listen_to_ctrl_c, start_new_session=True)

    def said(self):
        return self.log.read_text()

    def ready(self):
        wait_for(lambda: "Ctrl-C ends it" in self.said() or self.process.poll() is not None, 300)
        assert self.process.poll() is None, self.said()
        return self


def processes_of(directory):
    """Command lines of running processes that name this folder."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    line = file.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(directory) in line:
                found.append(line)
    return found


@pytest.fixture
def run(place):
    ports = Port(), Port()
    run = Run(place, ports[0].number, ports[1].number)
    yield run
    if run.process.poll() is None:
        run.process.send_signal(signal.SIGTERM)
        run.process.wait(30)
    for port in ports:
        port.close()


def ask_the_api(run):
    """With the address and the token that were printed, which is kept for oneself alone."""
    token = re.search(r"Its token +(brinco_\S+)", run.said())[1]
    assert f"http://127.0.0.1:{run.api_port}/v1\n" in run.said()
    assert (run.data / "api-token").stat().st_mode & 0o777 == 0o600
    assert (run.data / "api-token").read_text().strip() == token
    with Connection(run.api_port) as connection:
        assert connection.ask(request("/v1/links/DEMO01", headers=[
            f"Authorization: Bearer {token}"])).status == 200


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_run_ends_with_a_link_to_tap_and_leaves_nothing_running(run, stop):
    run.ready()
    link = re.search(r"A link to tap +http://127\.0\.0\.1:(\d+)/(\w+)", run.said())
    assert int(link[1]) == run.port
    assert "play.google.com" in tap(run.port, link[2], agents.ANDROID).location
    assert "apps.apple.com" in tap(run.port, link[2], agents.IPHONE).location
    assert tap(run.port, link[2], agents.PREVIEWS["whatsapp"]).status == 200
    keys = RedisServer(run.data / "redis").client
    entries = wait_for(lambda: (lambda e: e if len(e) == 3 else None)(clicks.stream_entries(keys)))
    assert {entry["outcome"] for entry in entries} == {"play_store", "app_store", "web"}
    keys.connection_pool.disconnect()

    ask_the_api(run)
    os.killpg(run.process.pid, stop)  # a terminal sends Ctrl-C to the whole group
    assert run.process.wait(30) == 0
    wait_for(lambda: processes_of(run.data) == [], 10, lambda: processes_of(run.data))


def test_a_port_in_use_is_said(run):
    run.ready()
    other = subprocess.run([ROOT / "scripts/run", "--port", str(run.port), "--api-port", "1",
                            "--data", run.data.parent / "other"], capture_output=True, text=True,
                           timeout=120, check=False)
    assert other.returncode == 1
    assert str(run.port) in other.stderr
    assert "--port" in other.stderr
