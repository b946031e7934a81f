"""Every page in a real browser: light and dark, on a telephone and on a desk.

The pictures stay in build/screenshots, for a person to look at.
"""

import contextlib
import http.server
import ssl
import struct
import subprocess
import threading
import time
import zlib

import pytest

from harness import agents
from harness.browser import Browser
from harness.brinco import ROOT
from harness.png import luminance, pixels

PICTURES = ROOT / "build/screenshots"
HOST = "go.example.mx"
HOUR = 3600
WINDOWS = {"phone": (390, 844), "desktop": (1280, 800)}

TIKTOK_ANDROID = ("Mozilla/5.0 (Linux; Android 13; SM-A536B Build/TP1A.220624.014; wv) "
                  "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.123 "
                  "Mobile Safari/537.36 trill_2023505020 JsSdk/1.0 NetType/WIFI Channel/googleplay "
                  "AppName/musical_ly app_version/35.5.2 ByteLocale/es BytedanceWebview/d8a21c6")

# name: (path, agent, status)
PAGES = {
    "not_found": ("nothing-of-ours-is-called-so", agents.WINDOWS, 404),
    "mistyped": ("ZZZZZZ", agents.WINDOWS, 404),
    "expired": ("OLD", agents.ANDROID, 410),
    "paused": ("PAUSED", agents.ANDROID, 410),
    "not_started": ("SOON", agents.ANDROID, 410),
    "used_up": ("FULL", agents.ANDROID, 410),
    "inspect": ("AB12CD+", agents.ANDROID, 200),
    "inspect_paused": ("PAUSED+", agents.ANDROID, 200),
    "desktop": ("PAGE", agents.WINDOWS, 200),
    "desktop_qr": ("QR", agents.WINDOWS, 200),
    "open": ("AB12CD", TIKTOK_ANDROID, 200),
    "preview": ("AB12CD", agents.PREVIEWS["whatsapp"], 200),
    "busy": ("NOT-YET-ASKED-FOR", agents.ANDROID, 503),
}

TEXTS = {
    "name": "Invita y gana",
    "og_title": "Ana te invita a Banco Ejemplo",
    "og_description": "Abre tu cuenta en cinco minutos y los dos reciben $200 en su primer ahorro.",
    "og_image": "https://www.example.mx/present.png",
    "fallback": None,
}


def gradient():
    """A PNG of 1200 x 630, as og:image is recommended to be."""
    row = b"\0" + b"".join(bytes((11 + x // 12, 87 + x // 14, 196)) for x in range(1200))

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1200, 630, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(row * 630)) + chunk(b"IEND", b""))


class Pictures(http.server.BaseHTTPRequestHandler):
    """The campaign's web site: one picture."""

    content = gradient()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web_site(directory):
    """https://www.example.mx on a port of loopback."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=www.example.mx", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def furnish(system):
    now = int(time.time())
    system.campaign("spring", **TEXTS)
    system.campaign("page", desktop="page", **TEXTS)
    system.campaign("qr", desktop="qr", **TEXTS)
    system.link("PAGE", campaign="page")
    system.link("QR", campaign="qr")
    system.link("OLD", expires_at=now - HOUR)
    system.link("SOON", starts_at=now + HOUR)
    system.link("PAUSED", status="paused")
    system.link("FULL", max_clicks=1, used=1)


@pytest.fixture(scope="module")
def shown(make_module_system, tmp_path_factory):
    """The system with a link for every page but `busy`, a browser, and the browser's hosts."""
    system = make_module_system()
    furnish(system)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with web_site(tmp_path_factory.mktemp("site")) as port, \
            Browser({f"{HOST}:80": system.brinco.port, "www.example.mx:443": port}) as browser:
        yield system, browser


@pytest.fixture(scope="module")
def without_redis(make_module_system):
    """A server whose Redis is gone."""
    system = make_module_system()
    system.redis.stop()
    return system


def visit(shown, name, window="phone", scheme="light", language="es-MX"):
    _, browser = shown
    path, agent, status = PAGES[name]
    browser.look(*WINDOWS[window], scheme)
    browser.be(agent, language)
    assert browser.open(f"http://{HOST}/{path}") == status
    return browser


# In which the contrast of every text with what is behind it is computed, as WCAG 2 has it. What
# is over a picture does not occur.
CONTRASTS = """(() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const l = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92
      : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e)
      .backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const all = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim();
    const e = walk.currentNode.parentElement;
    if (!text || !e.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    all.push([text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return all;
})()"""


def assert_is_seen(browser, name, window, scheme):
    """Light or dark, not blank, readable, nothing beside the window, and nobody complained."""
    width, height = WINDOWS[window]
    (PICTURES / f"{name}-{window}-{scheme}.png").write_bytes(browser.shot())
    small = pixels(browser.shot(width=width, height=height, scale=0.125))
    corner = luminance(small[-1][0])
    assert corner > 0.8 if scheme == "light" else corner < 0.05, corner
    assert len({colour for row in small for colour in row}) > 20
    contrasts = browser.evaluate(CONTRASTS)
    assert len(contrasts) >= 2
    assert [entry for entry in contrasts if entry[1] < 4.5] == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", [name for name in PAGES if name != "busy"])
def test_every_page_looks_right(shown, name, window, scheme):
    browser = visit(shown, name, window, scheme)
    assert_is_seen(browser, name, window, scheme)
    if name in ("preview", "open", "desktop"):
        assert browser.evaluate("document.querySelector('img.picture').naturalWidth") == 1200


def test_the_busy_page_looks_right(without_redis):
    with Browser({f"{HOST}:80": without_redis.brinco.port}) as browser:
        for window in WINDOWS:
            for scheme in ("light", "dark"):
                visit((None, browser), "busy", window, scheme)
                assert_is_seen(browser, "busy", window, scheme)


@pytest.mark.parametrize("name", [name for name in PAGES if name != "busy"])
def test_every_page_fits_the_narrowest_telephones_in_both_languages(shown, name):
    for language in ("es-MX", "en-US"):
        browser = visit(shown, name, language=language)
        browser.look(320, 568)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 320
        assert browser.evaluate("document.documentElement.lang") == language[:2]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "busy"])
def test_a_screen_reader_finds_its_way(shown, name):
    browser = visit(shown, name)
    tree = browser.readable_tree()
    roles = [role for role, _, _ in tree]
    assert [level for role, _, level in tree if role == "heading" and level == 1] == [1]
    assert roles.count("main") == 1
    assert all(text for role, text, _ in tree if role in ("link", "heading", "RootWebArea"))
    images = [text for role, text, _ in tree if role == "image"]
    assert images == ([f"Código QR de http://{HOST}/QR"] if name == "desktop_qr" else [])


def test_the_qr_code_of_the_desktop_page_can_be_scanned_off_the_screen(shown):
    for scheme in ("light", "dark"):
        visit(shown, "desktop_qr", "desktop", scheme)
        assert_is_seen(shown[1], "desktop_qr", "desktop", scheme)
        picture = PICTURES / f"desktop_qr-desktop-{scheme}.png"
        outcome = subprocess.run(["zbarimg", "-q", "--raw", picture], capture_output=True,
                                 text=True, timeout=60, check=True)
        assert outcome.stdout == f"http://{HOST}/QR?s=qr\n"


def test_the_button_of_the_open_page_leads_to_the_store(shown):
    browser = visit(shown, "open")
    button = browser.evaluate("document.querySelector('a.button').href")
    assert button.startswith("https://play.google.com/store/apps/details?id=mx.example.app")
    assert browser.evaluate("document.querySelector('a.button').textContent") == "Abrir Google Play"


def test_a_printed_page_is_black_on_white(shown):
    browser = visit(shown, "desktop_qr", "desktop", "dark")
    browser.look(*WINDOWS["desktop"], "dark", media="print")
    small = pixels(browser.shot(width=1280, height=800, scale=0.125))
    assert luminance(small[-1][0]) > 0.95
    assert [entry for entry in browser.evaluate(CONTRASTS) if entry[1] < 4.5] == []


def test_a_style_that_is_not_the_templates_own_is_not_applied(shown):
    """The policy is in force: what a script or a stranger added would do nothing."""
    browser = visit(shown, "not_found")
    browser.evaluate("document.body.insertAdjacentHTML('beforeend', "
                     "'<p id=x style=\"color:#010203\">x</p><style>#x{color:#010203}</style>')")
    assert browser.evaluate("getComputedStyle(document.getElementById('x')).color") != \
        "rgb(1, 2, 3)"
    browser.evaluate("1")
    assert any("Content Security Policy" in text for text in browser.complaints())
