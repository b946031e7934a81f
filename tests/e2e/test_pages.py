"""Pages through the real server: languages, fields, hostile texts, and templates of one's own."""

import base64
import hashlib
import html.parser
import re
import signal
import time

import pytest

from harness import agents
from harness.brinco import run
from harness.http import Connection, request
from harness.wait import wait_for

HOUR = 3600
HOSTILE = "\"><script>alert('1')</script>&amp;%3Cb%3E \u202e{{title}} ' \\ ñ😀"


class Parser(html.parser.HTMLParser):
    """Tags with their attributes, and the text of the title and the style."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open is not None:
            self.texts[self._open] = self.texts.get(self._open, "") + data

    def attributes(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def meta(self, name):
        found = [attrs["content"] for attrs in self.attributes("meta")
                 if name in (attrs.get("property"), attrs.get("name"))]
        assert len(found) <= 1, found
        return found[0] if found else None


def ask(system, path, agent=agents.ANDROID, headers=(), **more):
    with Connection(system.brinco.port) as connection:
        return connection.ask(request(path, "GET", agent, [*headers, "Connection: close"], **more))


@pytest.fixture(scope="module")
def furnished(make_module_system):
    """A link for every page but `busy`."""
    system = make_module_system()
    now = int(time.time())
    system.campaign("page", desktop="page", og_title=HOSTILE, og_description=HOSTILE, name=HOSTILE,
                    og_image="https://www.example.mx/a.jpg?b=1&c='2'")
    system.campaign("qr", desktop="qr")
    system.link("PAGE", campaign="page")
    system.link("QR", campaign="qr")
    system.link("OLD", expires_at=now - HOUR)
    system.link("SOON", starts_at=now + HOUR)
    system.link("PAUSED", status="paused")
    system.link("FULL", max_clicks=1, used=1)
    return system


PATHS = [("/nothing-is-called-so", 404), ("/ZZZZZZ", 404), ("/OLD", 410), ("/SOON", 410),
         ("/PAUSED", 410), ("/FULL", 410), ("/AB12CD+", 200), ("/PAGE+", 200), ("/OLD+", 200)]


@pytest.mark.parametrize("path, status", PATHS)
@pytest.mark.parametrize("language, expected", [
    (None, "es"), ("en-US,en;q=0.9", "en"), ("es-MX,es;q=0.9,en;q=0.8", "es"), ("fr", "es"),
    ("fr,en;q=0.4", "en"), ("en;q=0.2,es;q=0.3", "es")])
def test_the_language_is_the_readers(furnished, path, status, language, expected):
    headers = [] if language is None else [f"Accept-Language: {language}"]
    reply = ask(furnished, path, headers=headers)
    assert reply.status == status
    assert reply.header("Content-Language") == expected
    assert reply.header("Vary") == "Accept-Language"
    assert Parser(reply.text).attributes("html")[0]["lang"] == expected


@pytest.mark.parametrize("path, status", [*PATHS, ("/PAGE", 200), ("/QR", 200)])
def test_the_policy_names_the_pages_own_style(furnished, path, status):
    reply = ask(furnished, path, agents.WINDOWS)
    assert reply.status == status
    style = re.search(r"<style>(.*?)</style>", reply.text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert reply.header("Content-Security-Policy") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' https:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert reply.header("Referrer-Policy") == "no-referrer"
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert "no-store" in reply.header("Cache-Control")
    assert len(reply.body) < 6 * 1024
    is_error = status >= 400 or path.endswith("+")
    assert (reply.header("X-Robots-Tag") == "noindex") == is_error


def test_hostile_texts_stay_texts(furnished):
    for path, agent in (("/PAGE", agents.WINDOWS), ("/PAGE", agents.PREVIEWS["whatsapp"]),
                        ("/PAGE+", agents.WINDOWS)):
        reply = ask(furnished, path, agent)
        page = Parser(reply.text)
        assert reply.status == 200
        assert not page.attributes("script")
        assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
        assert {tag for tag, _ in page.tags} <= {
            "html", "head", "meta", "title", "style", "body", "main", "img", "h1", "p", "a", "dl",
            "dt", "dd", "bdi", "strong", "code", "details", "summary", "footer"}
        assert HOSTILE in page.texts["bdi" if path.endswith("+") else "h1"]


def test_a_preview_says_what_the_campaign_says(furnished):
    page = Parser(ask(furnished, "/PAGE", agents.PREVIEWS["whatsapp"]).text)
    assert page.meta("og:title") == HOSTILE
    assert page.meta("og:description") == HOSTILE
    assert page.meta("og:image") == "https://www.example.mx/a.jpg?b=1&c='2'"
    assert page.meta("og:image:alt") == HOSTILE
    assert page.meta("og:url") == "http://go.example.mx/PAGE"
    assert page.meta("og:type") == "website"
    assert page.meta("og:site_name") == "go.example.mx"
    assert page.meta("og:locale") == "es_MX"
    assert page.meta("twitter:card") == "summary_large_image"
    assert page.meta("twitter:title") == HOSTILE
    assert page.meta("twitter:image") == page.meta("og:image")


def test_a_preview_of_the_longest_texts_is_whole_in_its_first_4_kib(furnished):
    furnished.campaign("long", og_title="&" * 1024, og_description="\"" * 1024,
                       og_image="https://www.example.mx/" + "i" * 1001)
    furnished.link("C" * 64, campaign="long")
    reply = ask(furnished, "/" + "C" * 64, agents.PREVIEWS["whatsapp"],
                host=".".join(["h" * 62] * 4))
    page = Parser(reply.body[:4096].decode("utf-8", "ignore"))
    assert page.meta("og:title") == "&" * 20
    assert page.meta("og:description") == "\"" * 25
    assert page.meta("og:image") == "https://www.example.mx/" + "i" * 1001
    assert page.meta("og:url").endswith("/" + "C" * 64)
    assert page.meta("twitter:card") == "summary_large_image"
    assert page.meta("twitter:description") == "\"" * 25


def test_a_preview_without_picture_is_a_small_card(furnished):
    furnished.campaign("plain", og_image=None)
    furnished.link("PLAIN", campaign="plain")
    page = Parser(ask(furnished, "/PLAIN", agents.PREVIEWS["x"]).text)
    assert page.meta("twitter:card") == "summary"
    assert page.meta("og:image") is None and page.meta("og:image:alt") is None


def test_a_hostile_host_is_not_repeated(furnished):
    for host in ("a'b!$&(x)", "%3Cscript%3E", "h" * 300):
        for path in ("/PAUSED", "/AB12CD+"):
            reply = ask(furnished, path, host=host)
            assert host not in reply.text and host.replace("'", "&#39;") not in reply.text


def test_the_desktop_page_offers_the_stores_with_and_without_a_qr_code(furnished):
    page = Parser(ask(furnished, "/PAGE", agents.WINDOWS).text)
    links = [attrs["href"] for attrs in page.attributes("a")]
    assert [link.split("/")[2] for link in links] == ["play.google.com", "apps.apple.com",
                                                      "www.example.mx"]
    assert not [attrs for attrs in page.attributes("img") if attrs.get("class") == "qr"]
    page = Parser(ask(furnished, "/QR", agents.WINDOWS).text)
    picture, = page.attributes("img")
    assert picture["src"] == "/QR/qr.svg"
    assert picture["alt"] == "Código QR de http://go.example.mx/QR"
    assert ask(furnished, picture["src"], agents.WINDOWS).header("Content-Type") == "image/svg+xml"


def test_looking_where_a_link_goes_is_no_click(own):
    own.link("LOOKED")
    page = Parser(ask(own, "/LOOKED+").text)
    assert "Google Play" in page.texts["strong"]
    assert page.texts["code"].startswith("https://play.google.com/store/apps/details?")
    assert "0" * 32 in page.texts["code"]
    assert own.counted() == 0
    reply = own.tap("LOOKED")
    assert reply.status == 302
    assert own.counted() == 1
    own.clicks_of("LOOKED", 1)


def test_robots_and_icon(furnished):
    robots = ask(furnished, "/robots.txt")
    assert robots.status == 200
    assert "User-agent: *\nDisallow:\n" in robots.text
    icon = ask(furnished, "/favicon.ico")
    assert icon.header("Content-Type") == "image/x-icon"
    assert icon.header("Cache-Control") == robots.header("Cache-Control") == "public, max-age=86400"
    assert icon.body[:6] == b"\0\0\1\0\1\0"


# --- templates of one's own -----------------------------------------------------------------------


def test_a_template_replaces_a_page_and_a_reload_brings_another(make_system, place):
    (place / "paused.html").write_text("<title>x</title><p>Mi banco: {{code}}</p>")
    system = make_system(pages__dir=place)
    system.link("PAUSED", status="paused")
    assert ask(system, "/PAUSED").text == "<title>x</title><p>Mi banco: PAUSED</p>"
    assert "<!doctype html>" in ask(system, "/nothing-is-called-so").text
    (place / "paused.html").write_text("<title>x</title><p>Otra vez: {{code}}</p>")
    system.brinco.signal(signal.SIGHUP)
    wait_for(lambda: "Otra vez" in ask(system, "/PAUSED").text)
    (place / "paused.html").write_text("<p {{code}}>")
    system.brinco.signal(signal.SIGHUP)
    wait_for(lambda: "reload_refused" in system.brinco.log())
    assert f"{place}/paused.html:1: {{{{code}}}} cannot stand here" in system.brinco.log()
    assert "Otra vez" in ask(system, "/PAUSED").text
    (place / "paused.html").unlink()
    system.brinco.signal(signal.SIGHUP)
    wait_for(lambda: "Este enlace está en pausa" in ask(system, "/PAUSED").text)


def test_a_bad_template_at_the_start_is_one_line_that_names_it(make_system, place):
    (place / "busy.html").write_text("<p>\n\n{{nobody}}")
    system = make_system(start=False, pages__dir=place)
    outcome = run("serve", *system.brinco.arguments())
    assert outcome.returncode == 2
    assert f"{place}/busy.html:3: {{{{nobody}}}}: there is no such value, but:" in outcome.stderr


def test_a_style_sheet_of_ones_own_is_allowed_by_every_policy(make_system, place):
    (place / "style.css").write_text("body{background:#fed}\r\n")
    system = make_system(pages__dir=place)
    reply = ask(system, "/nothing-is-called-so")
    assert "<style>body{background:#fed}\n</style>" in reply.text
    digest = base64.b64encode(hashlib.sha256(b"body{background:#fed}\n").digest()).decode()
    assert f"'sha256-{digest}'" in reply.header("Content-Security-Policy")


def test_a_page_that_comes_out_too_long_is_counted_and_the_built_in_one(make_system, place):
    (place / "preview.html").write_text("<p>{{description}}</p>" * 60)
    system = make_system(pages__dir=place)
    system.campaign("long", og_description="&" * 1024)
    system.link("LONG", campaign="long")
    preview = agents.PREVIEWS["whatsapp"]
    assert ask(system, "/AB12CD", preview).text.startswith("<p>Both of you get a present.</p><p>")
    assert "og:description" in ask(system, "/LONG", preview).text
    assert system.brinco.metrics().sum("brinco_pages_too_large_total") == 1
