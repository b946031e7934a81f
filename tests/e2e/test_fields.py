"""What a click says about a tap, and how an app's backend can check it."""

import pathlib
import subprocess
import time

import pytest

from harness import agents, clicks, tokens
from harness.wait import wait_for

MAKE_MMDB = pathlib.Path(__file__).parents[1] / "tools/make-mmdb"
NETWORKS = """\
189.203.0.0/16 MX CMX
8.8.8.0/24 US CA
2806:10a0::/32 MX JAL
"""


def make_database(path, text):
    """As an update does it: written aside, then renamed."""
    aside = path.with_suffix(".new")
    subprocess.run([MAKE_MMDB, aside], input=text, text=True, check=True)
    aside.rename(path)


@pytest.fixture(scope="module")
def proxied(make_module_system, place):
    """Behind a proxy that is believed, with a GeoIP database: a tap comes from where it says."""
    database = place / "geo.mmdb"
    make_database(database, NETWORKS)
    system = make_module_system(edge__trusted_proxies="127.0.0.0/8 ::1", geo__database=database)
    system.database = database
    return system


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("geo")


def tap_from(system, address, agent=agents.ANDROID, code="AB12CD", headers=()):
    """The click of a tap by the client at this address."""
    reply = system.tap(code, agent, headers=[f"X-Forwarded-For: {address}", *headers])
    return system.click_of(reply)


@pytest.mark.short
def test_a_stream_entry_has_every_field_in_its_order(shared):
    click = shared.click_of(shared.tap("AB12CD"))
    assert tuple(click.names) == clicks.FIELDS
    assert click["code"] == "AB12CD"
    assert click["campaign"] == "spring"
    assert click["owner"] == "ana"
    assert click["version"] == "1"


def test_a_stream_is_named_after_edge_and_worker_and_its_ids_after_time_and_sequence(shared):
    before = int(time.time() * 1000)
    click = shared.click_of(shared.tap("AB12CD"))
    after = int(time.time() * 1000)
    assert click.stream in {f"brinco:clicks:{shared.brinco.edge_id()}:{n}" for n in (0, 1)}
    assert before <= click.at_ms <= after
    assert click["at"] == str(click.at_ms)
    assert tokens.ulid_ms(click["id"]) == click.at_ms
    assert len(click["id"]) == 26 and set(click["id"]) <= set(tokens.ULID_DIGITS)


@pytest.mark.short
def test_a_token_can_be_verified_offline_and_only_for_its_code(shared):
    shared.link("OTHER")
    token = tokens.token_of(shared.tap("AB12CD").location)
    secret = shared.brinco.secret()
    assert len(secret) == 32
    assert tokens.is_genuine(token, "AB12CD", secret)
    assert not tokens.is_genuine(token, "OTHER", secret)
    assert not tokens.is_genuine(token, "AB12CD", bytes(32))
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    assert not tokens.is_genuine(forged, "AB12CD", secret)


def test_the_secret_is_made_once_and_for_nobody_else_to_read(own):
    path = own.brinco.data / "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    before, edge_id = own.brinco.secret(), own.brinco.edge_id()
    own.brinco.stop()
    own.brinco.start()
    assert (own.brinco.secret(), own.brinco.edge_id()) == (before, edge_id)


def test_the_referrer_stays_below_256_bytes_for_the_longest_names(shared):
    code, campaign = "c" * 64, "C" * 64
    shared.campaign(campaign)
    shared.link(code, campaign=campaign)
    referrer = tokens.query_of(shared.tap(code).location)["referrer"]
    assert len(referrer) < 256
    assert f"utm_campaign={campaign}&utm_content={code}&click=" in referrer


@pytest.mark.parametrize("agent, platform, browser, in_app", [
    (agents.ANDROID, "android", "chrome", ""),
    (agents.IPHONE, "ios", "safari", ""),
    (agents.WINDOWS, "windows", "chrome", ""),
    (agents.MAC, "macos", "safari", ""),
])
def test_platform_and_browser_are_told_from_the_user_agent(shared, agent, platform, browser,
                                                           in_app):
    shared.link("UA", url="https://www.example.mx/?click={click}")
    click = shared.click_of(shared.tap("UA", agent))
    assert (click["platform"], click["browser"], click["in_app"]) == (platform, browser, in_app)
    assert click["kind"] == "human"


def test_a_browser_inside_of_an_app_is_a_person(shared):
    click = shared.click_of(shared.tap("AB12CD", agents.INSTAGRAM_ANDROID))
    assert (click["kind"], click["in_app"], click["platform"]) == ("human", "instagram", "android")


@pytest.mark.parametrize("header, expected", [
    ("es-MX,es;q=0.9,en;q=0.8", "es-MX"),
    ("en;q=0.5, es-mx", "es-MX"),
    ("pt-br", "pt-BR"),
    ("de", "de"),
    ("*", ""),
    ("\x80\x81", ""),
    ("x" * 300, ""),
], ids=lambda text: text[:12])
def test_the_preferred_language_is_kept(shared, header, expected):
    click = shared.click_of(shared.tap("AB12CD", headers=[f"Accept-Language: {header}"]))
    assert click["language"] == expected


@pytest.mark.parametrize("header, expected", [
    ("https://www.instagram.com/p/abc?x=y", "www.instagram.com"),
    ("https://User:secret@L.Facebook.com:443/l.php?u=secret", "l.facebook.com"),
    ("android-app://com.whatsapp", "com.whatsapp"),
    ("nonsense", ""),
    ("javascript:alert(1)", ""),
])
def test_of_the_referrer_only_the_host_is_kept(shared, header, expected):
    click = shared.click_of(shared.tap("AB12CD", headers=[f"Referer: {header}"]))
    assert click["referrer"] == expected


@pytest.mark.parametrize("query, expected", [
    ("s=poster-7", "poster-7"), ("a=b&s=flyer", "flyer"), ("s=caf%20e", "caf e"), ("s=", ""),
    ("source=x", ""), ("s=%0d%0aX:y", ""), ("s=%00", ""), ("s=" + "x" * 500, ""),
], ids=lambda text: text[:12])
def test_the_source_is_logged_and_never_forwarded(shared, query, expected):
    reply = shared.tap(f"AB12CD?{query}", agents.WINDOWS)
    token = tokens.token_of(reply.location)
    assert reply.location == f"https://www.example.mx/install?code=AB12CD&click={token}"
    assert shared.click_of(reply)["source"] == expected


@pytest.mark.parametrize("address, country, region", [
    ("189.203.7.9", "MX", "CMX"), ("8.8.8.8", "US", "CA"), ("2806:10a0::5", "MX", "JAL"),
    ("::ffff:189.203.7.9", "MX", "CMX"), ("203.0.113.9", "", ""), ("10.0.0.1", "", ""),
    ("nonsense", "", ""), ("189.203.7.9, 10.0.0.1", "", ""), ("1.1.1.1, 189.203.7.9", "MX", "CMX"),
    ("189.203.7.9:55555", "MX", "CMX"), ("[2806:10a0::5]:55555", "MX", "JAL"),
])
def test_country_and_region_are_those_of_the_client_that_the_proxy_saw(proxied, address, country,
                                                                       region):
    click = tap_from(proxied, address)
    assert (click["country"], click["region"]) == (country, region)


def test_a_proxy_that_is_not_trusted_is_not_believed(make_system, proxied):
    system = make_system(geo__database=proxied.database)
    assert tap_from(system, "189.203.7.9")["country"] == ""


def test_a_geo_database_is_read_again_when_it_changes_and_kept_when_it_is_bad(make_system, place):
    database = place / "changing.mmdb"
    system = make_system(edge__trusted_proxies="127.0.0.1", geo__database=database, start=False)
    make_database(database, NETWORKS)
    system.brinco.start().ready()
    assert tap_from(system, "8.8.8.8")["country"] == "US"
    make_database(database, "8.8.8.0/24 BR SP\n")
    wait_for(lambda: tap_from(system, "8.8.8.8")["country"] == "BR", 10)

    whole = database.read_bytes()
    for bad in (b"", b"rubbish" * 1000, whole[: len(whole) // 2], whole[:-20]):
        database.write_bytes(bad)
        wait_for(lambda: system.brinco.readyz()[0] == 503, 10, "readyz says so")
        assert tap_from(system, "8.8.8.8")["country"] == "BR"
    database.unlink()
    assert tap_from(system, "8.8.8.8")["country"] == "BR"
    make_database(database, "8.8.8.0/24 AR B\n")
    wait_for(lambda: tap_from(system, "8.8.8.8")["country"] == "AR", 10)
    system.brinco.ready()


def test_a_geo_database_that_is_not_there_leaves_countries_empty(make_system, place):
    system = make_system(start=False, edge__trusted_proxies="127.0.0.1",
                         geo__database=place / "none.mmdb")
    system.brinco.start()
    assert tap_from(system, "8.8.8.8")["country"] == ""
    assert "none.mmdb" in system.brinco.log()


def test_a_visitor_is_the_same_for_the_same_person_and_tells_nothing(proxied):
    def visitor(address="189.203.7.9", agent=agents.ANDROID, language="es-MX"):
        headers = [f"Accept-Language: {language}"]
        return tap_from(proxied, address, agent, headers=headers)["visitor"]

    first = visitor()
    assert len(first) == 16 and int(first, 16) >= 0
    assert visitor() == first
    others = [visitor(address="189.203.7.10"), visitor(agent=agents.ANDROID.replace("8)", "9)")),
              visitor(language="en-US")]
    assert len({first, *others}) == 4


def test_a_visitor_is_the_same_after_a_restart(make_system):
    system = make_system()
    first = system.click_of(system.tap("AB12CD"))["visitor"]
    system.brinco.stop()
    system.brinco.start().ready()
    assert system.click_of(system.tap("AB12CD"))["visitor"] == first


def test_edges_that_share_the_secret_agree_on_visitors_and_others_do_not(make_system):
    one, two, three = make_system(), make_system(start=False), make_system()
    two.brinco.data.mkdir()
    secret = two.brinco.data / "secret"
    secret.write_bytes(one.brinco.secret())
    secret.chmod(0o600)
    two.brinco.start().ready()
    first, second, third = (s.click_of(s.tap("AB12CD"))["visitor"] for s in (one, two, three))
    assert first == second
    assert first != third


def test_two_clicks_of_a_person_are_two_clicks(shared):
    first, second = (shared.click_of(shared.tap("AB12CD")) for _ in range(2))
    assert first["id"] != second["id"]


def test_redis_prefix_and_edge_id_name_the_streams(make_system):
    system = make_system(start=False, redis__prefix="acme:", edge__id="gdl-1")
    for key in ("campaign:spring", "link:AB12CD"):
        system.keys.rename(f"brinco:{key}", f"acme:{key}")
    system.brinco.start().ready()
    assert system.tap("AB12CD").status == 302
    entry, = wait_for(lambda: clicks.stream_entries(system.keys, "acme:"))
    assert entry.stream in ("acme:clicks:gdl-1:0", "acme:clicks:gdl-1:1")
