"""The admin side: health, readiness, metrics; and what is logged."""

import json
import os
import re
import subprocess

import pytest

from harness import agents
from harness.brinco import ENVIRONMENT, PROGRAM
from harness.http import raw, request
from harness.wait import wait_for


def test_health_says_that_the_process_is_up_whatever_else_is_down(make_system):
    system = make_system()
    system.redis.kill()
    status, headers, _ = system.brinco.admin("/healthz")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")


@pytest.mark.short
def test_readiness_is_json_that_names_every_check(shared):
    status, headers, text = shared.brinco.admin("/readyz")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    state = json.loads(text)
    assert state["ready"] is True
    assert {check["name"] for check in state["checks"]} >= {"redis", "journal", "shipper"}
    assert all(check["ok"] is True for check in state["checks"])


@pytest.mark.short
def test_metrics_follow_the_conventions(shared):
    """https://prometheus.io/docs/practices/naming/"""
    shared.tap("AB12CD")
    status, headers, _ = shared.brinco.admin("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    metrics = shared.brinco.metrics()
    for name, labels, value in metrics.samples:
        family = metrics.family_of(name)
        assert metrics.helps.get(family), f"{family} has no HELP"
        assert metrics.types.get(family) in ("counter", "gauge", "histogram"), family
        assert family.startswith(("brinco_", "process_")), family
        if metrics.types[family] == "counter":
            assert name.endswith("_total"), name
        assert not re.search(r"_(ms|us|ns|milliseconds|kb|mb|percent)(_|$)", family), family
        assert value == value and value >= 0, (name, labels, value)
    assert len({(n, tuple(sorted(l.items()))) for n, l, _ in metrics.samples}) == len(
        metrics.samples), "a sample is there twice"


def test_samples_of_a_family_stand_together(shared):
    names = [shared.brinco.metrics().family_of(name) for name, _, _ in
             shared.brinco.metrics().samples]
    seen, last = set(), None
    for name in names:
        assert name == last or name not in seen, f"{name} in two places"
        seen.add(name)
        last = name


def test_histograms_are_cumulative(shared):
    shared.tap("AB12CD")
    metrics = shared.brinco.metrics()
    histograms = [name for name, kind in metrics.types.items() if kind == "histogram"]
    assert "brinco_tap_duration_seconds" in histograms
    for family in histograms:
        buckets = [(float(labels["le"].replace("+Inf", "inf")), value)
                   for name, labels, value in metrics.samples if name == f"{family}_bucket"]
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf")
        values = [value for _, value in buckets]
        assert values == sorted(values)
        assert values[-1] == metrics.sum(f"{family}_count")


def test_taps_are_counted_by_kind_and_outcome(shared):
    def counted():
        metrics = shared.brinco.metrics()
        return {key: metrics.sum("brinco_taps_total", **labels) for key, labels in {
            "play": {"kind": "human", "outcome": "play_store"},
            "app": {"kind": "human", "outcome": "app_store"},
            "web": {"kind": "human", "outcome": "web"},
            "preview": {"kind": "preview"}, "bot": {"kind": "bot"}, "head": {"kind": "head"},
            "prefetch": {"kind": "prefetch"}, "lost": {"outcome": "not_found"}}.items()}

    before = counted()
    for agent in (agents.ANDROID, agents.IPHONE, agents.WINDOWS, agents.PREVIEWS["x"],
                  agents.BOTS["curl"]):
        shared.tap("AB12CD", agent)
    shared.tap("AB12CD", method="HEAD")
    shared.tap("AB12CD", headers=["Sec-Purpose: prefetch"])
    shared.tap("NOBODY")
    after = counted()
    assert {key: after[key] - before[key] for key in after} == dict.fromkeys(after, 1)


def test_every_journaled_tap_is_accounted_for(shared):
    """answered = journaled = queued"""
    for _ in range(10):
        shared.tap("AB12CD")
    shared.wait_shipped()
    taps = shared.counted()
    assert len(shared.clicks()) == taps - shared.brinco.metrics().sum("brinco_clicks_lost_total")


@pytest.mark.parametrize("path, status", [("/", 404), ("/nothing", 404), ("/healthz/x", 404),
                                          ("/v2/stats", 404)])
def test_what_is_not_there_is_a_404(shared, path, status):
    assert shared.brinco.admin(path)[0] == status


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_admin_pages_are_only_read(shared, method):
    replies = raw(shared.brinco.api_port, request("/metrics", method,
                                                  headers=["Connection: close"]))
    assert [reply.status for reply in replies] == [405]
    assert "GET" in replies[0].header("Allow")


def test_the_admin_side_is_not_on_the_public_port(shared):
    for path in ("/metrics", "/readyz", "/healthz", "/v1/links"):
        assert shared.brinco.get(path, agents.ANDROID).status == 404


def test_rubbish_on_the_admin_port_is_survived(shared):
    for data in (b"\0" * 1000, b"GET /metrics\r\n\r\n", b"x" * 100_000,
                 b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"):
        try:
            raw(shared.brinco.api_port, data, timeout=0.3)
        except (TimeoutError, AssertionError):
            pass
    assert shared.brinco.admin("/healthz")[0] == 200


def life(system):
    """Something of everything that is logged."""
    secret_address = "203.0.113.77"
    headers = [f"X-Forwarded-For: {secret_address}"]
    system.link("BAD", starts_at="soon", owner="o\r\nfake=line")
    for code in ("AB12CD", "NOBODY", "BAD"):
        system.tap(code, headers=headers)
    raw(system.brinco.port, b"rubbish 203.0.113.77\r\n\r\n")
    system.redis.kill()
    system.tap("UNSEEN", headers=headers)
    wait_for(lambda: system.brinco.readyz()[0] == 503)
    system.redis.start()
    system.brinco.ready()
    system.brinco.stop()
    assert secret_address not in system.brinco.log(), "no address of a client is logged"


def test_logs_are_lines_of_key_and_value(make_system):
    system = make_system(log__level="debug", edge__trusted_proxies="127.0.0.1")
    life(system)
    line_form = re.compile(r'[a-z_]+=("([^"\\]|\\.)*"|[^\s"=]*)( [a-z_0-9]+=("([^"\\]|\\.)*"|'
                           r'[^\s"=]*))*')
    lines = system.brinco.log().splitlines()
    assert len(lines) >= 3
    for line in lines:
        assert line_form.fullmatch(line), line
        assert not line.startswith("fake=")


@pytest.mark.short
def test_logs_are_lines_of_json_if_so_configured(make_system):
    system = make_system(log__level="debug", log__format="json", edge__trusted_proxies="127.0.0.1")
    life(system)
    lines = system.brinco.json_log()
    assert len(lines) >= 3
    events = {line["event"] for line in lines}
    assert all(re.fullmatch(r"[a-z_0-9]+", event) for event in events)


def test_a_log_that_nobody_reads_stops_nobody(make_system):
    """stderr is a full pipe: lines are dropped and counted, taps are answered."""
    system = make_system(start=False, log__level="debug", edge__workers=1)
    reading, writing = os.pipe()
    system.brinco.process = subprocess.Popen(
        [PROGRAM, "serve", *system.brinco.arguments()], stderr=writing, stdin=subprocess.DEVNULL,
        env=ENVIRONMENT)
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    os.close(writing)
    system.brinco.ready()
    assert system.tap("AB12CD").status == 302
    system.redis.drop_clients()
    assert system.tap("AB12CD").status == 302
    os.close(reading)
    assert system.tap("AB12CD").status == 302, "nor does one that is closed"
