"""QR codes through the real server: zbarimg reads them, and they say what the address bar would."""

import subprocess

import pytest

from harness import agents
from harness.http import Connection, raw, request
from harness.wait import wait_for

HOST = "go.example.mx"


def ask(system, path, method="GET", host=HOST, headers=()):
    with Connection(system.brinco.port) as connection:
        data = request(path, method, agents.WINDOWS, [*headers, "Connection: close"], host=host)
        return connection.ask(data, to_head=method == "HEAD")


def scan(picture):
    outcome = subprocess.run(["zbarimg", "-q", "--raw", picture], capture_output=True, text=True,
                             timeout=60, check=True)
    return outcome.stdout.removesuffix("\n")


def read_png(system, tmp_path, path, **more):
    reply = ask(system, path, **more)
    assert reply.status == 200, reply
    picture = tmp_path / "qr.png"
    picture.write_bytes(reply.body)
    return scan(picture)


@pytest.mark.short
def test_a_png_says_the_link_and_that_it_was_scanned(shared, tmp_path):
    assert read_png(shared, tmp_path, "/AB12CD/qr.png") == f"http://{HOST}/AB12CD?s=qr"


@pytest.mark.parametrize("query", ["size=64&margin=4", "size=1024&level=H", "level=L&margin=1",
                                   "level=Q&margin=16", "size=301&level=M"])
def test_every_size_margin_and_level_can_be_read(shared, tmp_path, query):
    assert read_png(shared, tmp_path, f"/AB12CD/qr.png?{query}") == f"http://{HOST}/AB12CD?s=qr"


def test_the_longest_host_and_code_can_be_read(shared, tmp_path):
    host, code = ".".join(["h" * 62] * 4), "C" * 64
    said = read_png(shared, tmp_path, f"/{code}/qr.png?size=1024", host=host)
    assert said == f"http://{host}/{code}?s=qr"


def test_an_svg_is_drawn_and_says_the_same(shared, tmp_path):
    """Chromium draws it; nothing else here can."""
    reply = ask(shared, "/AB12CD/qr.svg?size=300")
    picture, drawn = tmp_path / "qr.svg", tmp_path / "qr.png"
    picture.write_bytes(reply.body)
    subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                    "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}",
                    "--window-size=400,400", f"--screenshot={drawn}", picture.as_uri()],
                   check=True, capture_output=True, timeout=60)
    assert scan(drawn) == f"http://{HOST}/AB12CD?s=qr"


def test_behind_a_proxy_that_ends_tls_it_says_https(make_system, tmp_path):
    system = make_system(edge__trusted_proxies="127.0.0.1/32")
    said = read_png(system, tmp_path, "/AB12CD/qr.png",
                    headers=["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"])
    assert said == f"https://{HOST}/AB12CD?s=qr"


def test_a_tap_from_a_qr_code_has_the_source_qr(shared):
    shared.link("POSTER")
    reply = ask(shared, "/POSTER?s=qr")
    assert reply.status == 302
    click, = shared.clicks_of("POSTER")
    assert click["source"] == "qr"


@pytest.mark.parametrize("name", ["png", "svg"])
def test_the_picture_may_be_stored_and_runs_nothing(shared, name):
    reply = ask(shared, f"/AB12CD/qr.{name}")
    assert reply.header("Content-Type") == {"png": "image/png", "svg": "image/svg+xml"}[name]
    assert reply.header("Cache-Control") == "public, max-age=3600"
    assert reply.header("Content-Security-Policy").startswith("default-src 'none'")
    assert reply.header("X-Content-Type-Options") == "nosniff"
    head = ask(shared, f"/AB12CD/qr.{name}", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.header("Content-Length") == reply.header("Content-Length")


@pytest.mark.parametrize("query", ["size=63", "size=1025", "margin=17", "level=X", "size=a",
                                   "colour=red", "size=64&level=H&margin=16", "%73ize=64"])
def test_what_cannot_be_drawn_is_refused_with_a_sentence(shared, query):
    for name in ("png", "svg"):
        reply = ask(shared, f"/AB12CD/qr.{name}?{query}")
        assert reply.status == 400
        assert reply.header("Content-Type") == "text/plain; charset=utf-8"
        assert 10 < len(reply.text.strip()) < 200


def test_nothing_is_counted_as_a_tap(own):
    before = own.brinco.metrics().sum("brinco_taps_total")
    ask(own, "/AB12CD/qr.png")
    ask(own, "/AB12CD/qr.svg")
    metrics = own.brinco.metrics()
    assert metrics.sum("brinco_taps_total") == before
    assert metrics.sum("brinco_requests_total", answer="qr") == 2


@pytest.mark.parametrize("path", ["/AB12CD/qr.gif", "/AB12CD/qr", "/AB12CD/",
                                  "/not%20a%20code/qr.png", "//qr.png", "/AB12CD/qr.png/"])
def test_other_pictures_do_not_exist(shared, path):
    assert ask(shared, path).status == 404


def test_drawing_is_bounded_and_what_is_refused_is_counted(make_system):
    system = make_system(edge__workers=1)
    answers = [reply.status for reply in raw(system.brinco.port, b"".join(
        [request("/AB12CD/qr.svg?size=64")] * 999 +
        [request("/AB12CD/qr.svg?size=64", headers=["Connection: close"])]))]
    assert len(answers) == 1000 and set(answers) == {200, 503}
    metrics = system.brinco.metrics()
    assert metrics.sum("brinco_requests_total", answer="qr") == answers.count(200)
    assert metrics.sum("brinco_requests_total", answer="qr_refused") == answers.count(503)
    wait_for(lambda: ask(system, "/AB12CD/qr.svg").status == 200, what="another second")
