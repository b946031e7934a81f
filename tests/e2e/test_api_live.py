"""GET /v1/stats/live: server-sent events, read as a browser reads them."""

import json
import shutil
import subprocess
import time

import pytest

from harness.api import Api, api_only
from harness.http import Connection, request
from harness.wait import wait_for

NODE = shutil.which("node")


class EventSource:
    """The stream read by the rules of the HTML standard, section 9.2.6, and nothing more lenient:
    what a browser would ignore is an error here."""

    def __init__(self, port, target, headers=()):
        self.connection = Connection(port)
        self.connection.send(request(target, headers=headers))
        self.reply = self.connection.read_reply(to_head=True)
        self.pending, self.text = b"", ""
        self.retry_ms, self.comments, self.data = None, [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def _byte(self):
        if not self.connection._pending and not self.connection._more():
            raise EOFError
        byte, self.connection._pending = self.connection._pending[:1], self.connection._pending[1:]
        return byte

    def _line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._byte()
        return line[:-2]

    def _more(self):
        size = int(self._line(), 16)
        if size == 0:
            raise EOFError
        chunk = b"".join(self._byte() for _ in range(size))
        assert self._line() == b""
        self.text += chunk.decode("utf-8")

    def _text_line(self):
        while "\n" not in self.text:
            self._more()
        line, _, self.text = self.text.partition("\n")
        assert "\r" not in line
        return line

    def event(self):
        """The data of the next event."""
        data = []
        while True:
            line = self._text_line()
            if line == "" and data:
                return "\n".join(data)
            name, colon, value = line.partition(":")
            value = value.removeprefix(" ")
            if line and not name:
                self.comments.append(value)
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry_ms = int(value)
            else:
                assert line == "", f"neither data, retry, comment nor empty: {line!r}"
            assert colon or line == ""


@pytest.fixture(scope="module")
def counting(make_module_system):
    """With a collector, so that taps become numbers."""
    return make_module_system(serve__roles="edge collector api")


def listen(system, api=None, **more):
    api = api or Api(system, "read")
    return EventSource(api.port, "/v1/stats/live", [f"Authorization: Bearer {api.token}"], **more)


@pytest.mark.short
def test_one_event_a_second(counting):
    with listen(counting) as source:
        assert source.reply.status == 200
        assert source.reply.header("Content-Type") == "text/event-stream"
        assert source.reply.header("Cache-Control") == "no-store"
        assert source.reply.header("Access-Control-Allow-Origin") is None
        first = json.loads(source.event())
        assert source.retry_ms == 2000
        began = time.monotonic()
        events = [json.loads(source.event()) for _ in range(3)]
        assert 2 < time.monotonic() - began < 6
        assert set(first) >= {"at", "clicks", "previews", "bots", "prefetches", "heads",
                              "campaigns"}
        assert [event["at"] for event in events] == sorted(event["at"] for event in events)


def test_taps_show_by_campaign(counting):
    with listen(counting) as source:
        source.event()
        for _ in range(5):
            counting.tap("AB12CD")
        seen = 0

        def all_are_there():
            nonlocal seen
            event = json.loads(source.event())
            seen += event["campaigns"].get("spring", {}).get("clicks", 0)
            return seen >= 5

        wait_for(all_are_there, 15, "the taps in the stream")
        assert seen == 5


def test_a_token_in_the_query_is_enough(counting):
    token = Api(counting, "read").token
    with EventSource(counting.brinco.api_port, f"/v1/stats/live?access_token={token}") as source:
        assert source.reply.status == 200
        json.loads(source.event())
    for query in (f"access_token={token}&x=1", f"access_token={token}&access_token={token}"):
        with EventSource(counting.brinco.api_port, f"/v1/stats/live?{query}") as source:
            assert source.reply.status == 400
    with EventSource(counting.brinco.api_port, "/v1/stats/live?access_token=x") as source:
        assert source.reply.status == 401


def test_a_revoked_token_ends_its_streams_alone(counting):
    api = Api(counting, "read")
    outcome = counting.brinco.cli("token", "new", "--role", "read", "--name", "ends", "--json")
    ends = json.loads(outcome.stdout)
    with listen(counting, api) as stays, EventSource(
            counting.brinco.api_port, f"/v1/stats/live?access_token={ends['token']}") as ending:
        stays.event()
        ending.event()
        assert counting.brinco.cli("token", "revoke", "ends").returncode == 0
        with pytest.raises(EOFError):
            while True:
                ending.event()
        stays.event()


def test_nobody_listens_nobody_looks(make_system):
    """One look a second for everybody who listens, none for nobody."""
    system = api_only(make_system)
    api = Api(system, "read")
    sources = [listen(system, api) for _ in range(5)]
    for source in sources:
        source.event()
    before = system.redis.calls("hgetall") + system.redis.calls("hscan")
    for _ in range(3):
        for source in sources:
            source.event()
    looks = system.redis.calls("hgetall") + system.redis.calls("hscan") - before
    assert 2 <= looks <= 10, "of today and of yesterday, for all five"
    for source in sources:
        source.connection.close()
    wait_for(lambda: system.brinco.metrics().sum("brinco_api_live_subscribers") == 0,
             what="who left is forgotten")
    before = system.redis.client.info("stats")["total_commands_processed"]
    time.sleep(1.5)
    after = system.redis.client.info("stats")["total_commands_processed"]
    assert after - before <= 7, "the other INFO; the six words of an idle shipper, every 5 s"


def test_without_redis_there_are_comments_and_then_events_again(make_system):
    system = api_only(make_system)
    with listen(system) as source:
        source.event()
        system.redis.kill()

        def has_comment():
            source._more()
            return "\n: " in "\n" + source.text

        wait_for(has_comment, what="a comment while there are no numbers")
        system.redis.start()
        json.loads(source.event())
        assert source.comments


# The W3C's EventSource: Node's own if it has one, else that of Debian's node-eventsource.
EVENT_SOURCE = """
    const Source = globalThis.EventSource ?? require('eventsource');
    const events = [];
    let opened = 0;
    const source = new Source(process.argv[1]);
    source.onopen = () => { opened++; };
    source.onmessage = (event) => {
        events.push(JSON.parse(event.data));
        if (events.length == 2) { console.log('two'); }
    };
    source.onerror = (event) => {
        if (event.status) {
            console.log(JSON.stringify({opened, status: event.status, count: events.length}));
            process.exit(0);
        }
    };"""


def has_event_source():
    outcome = NODE and subprocess.run(
        [NODE, "-e", "globalThis.EventSource ?? require('eventsource')"],
        capture_output=True, timeout=20, check=False)
    return bool(outcome) and outcome.returncode == 0


@pytest.mark.skipif(not has_event_source(), reason="node with an EventSource is not installed")
def test_an_event_source_reads_it_and_gives_up_when_its_token_is_revoked(counting):
    outcome = counting.brinco.cli("token", "new", "--role", "read", "--name", "page")
    url = (f"http://127.0.0.1:{counting.brinco.api_port}/v1/stats/live"
           f"?access_token={outcome.stdout.strip()}")
    with subprocess.Popen([NODE, "-e", EVENT_SOURCE, url], stdout=subprocess.PIPE,
                          text=True) as page:
        try:
            assert page.stdout.readline() == "two\n"
            assert counting.brinco.cli("token", "revoke", "page").returncode == 0
            end = json.loads(page.stdout.readline())
        finally:
            page.kill()
    assert end["opened"] == 1 and end["count"] >= 2
    assert end["status"] == 401, "it came back, as retry: says, and was not let in"
