"""docs/attribution.md: what it says of tokens, and the Python that it shows, held against a running
server."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import stat

import pytest

from harness import agents, tokens
from harness.attribution import PAGE, PROGRAMS, ROOT, module, program
from harness.brinco import run

SECRET = bytes(range(32))

verify_token = module("verify_token")


@pytest.fixture(scope="module")
def tapped(make_module_system):
    """A server, and what it answered to a tap of an Android phone."""
    system = make_module_system(serve__roles="edge api")
    place = system.brinco.directory / "click-token.key"
    outcome = system.brinco.cli("token", "key")
    assert outcome.returncode == 0, outcome.stderr
    place.write_text(outcome.stdout)

    class Tapped:
        brinco, key_file = system.brinco, place
        key = verify_token.read_key(place)
        before = datetime.datetime.now(datetime.timezone.utc)
        location = system.tap("AB12CD", agents.ANDROID).location
        referrer = tokens.query_of(location)["referrer"]
        token = tokens.token_of(location)

    Tapped.system = system
    return Tapped


def refused(token, code, key):
    with pytest.raises(verify_token.Refused) as why:
        verify_token.verify(token, code, key)
    assert len(str(why.value)) > 20, "it says why"


# --- tokens --------------------------------------------------------------------------------------

def test_a_real_token_verifies_offline(tapped):
    code, token = verify_token.read_referrer(tapped.referrer)
    assert (code, token) == ("AB12CD", tapped.token)
    click = verify_token.verify(token, code, tapped.key)
    assert click.id == tokens.click_id(token)
    after = datetime.datetime.now(datetime.timezone.utc)
    second = datetime.timedelta(seconds=1)
    assert tapped.before - second < click.tapped_at < after + second
    assert tapped.system.click_of(tapped.system.tap("AB12CD"))["code"] == "AB12CD"


def test_tokens_of_every_kind_of_code_verify(tapped):
    for code in ("a", "Z" * 64, "with-dash_7", "0123456789abcdefghijklmnopqrstuvwxyzAB"):
        tapped.system.link(code)
        location = tapped.system.tap(code, agents.ANDROID).location
        token = tokens.token_of(location)
        assert verify_token.verify(token, code, tapped.key).code == code
        refused(token, "AB12CD", tapped.key)


def test_the_program_verifies_a_real_token(tapped):
    for words in ([tapped.token, "AB12CD"], ["--referrer", tapped.referrer]):
        status, said, complaint = program("verify_token", "--key-file", tapped.key_file, *words)
        assert (status, complaint) == (0, "")
        assert json.loads(said)["id"] == tokens.click_id(tapped.token)
        assert json.loads(said)["code"] == "AB12CD"


def test_any_altered_character_is_refused(tapped):
    for place, character in enumerate(tapped.token):
        for other in ("A", "_", character.swapcase()):
            if other != character:
                altered = tapped.token[:place] + other + tapped.token[place + 1:]
                refused(altered, "AB12CD", tapped.key)


FALSE = {
    "truncated": lambda token: token[:-1],
    "half": lambda token: token[:16],
    "nothing": lambda token: "",
    "trailing letter": lambda token: token + "A",
    "trailing line feed": lambda token: token + "\n",
    "trailing space": lambda token: token + " ",
    "padded": lambda token: token + "====",
    "leading space": lambda token: " " + token,
    "other alphabet": lambda token: "+/" + token[2:],
    "wrong case": lambda token: token.swapcase(),
    "no ASCII": lambda token: "\u0661" + token[1:],
    "a null": lambda token: token[:-1] + "\0",
    "forged": lambda token: base64.urlsafe_b64encode(os.urandom(24)).decode(),
    "another key": lambda token: base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(token)[:16] + hmac.new(
            b"guessed", base64.urlsafe_b64decode(token)[:16] + b"AB12CD",
            hashlib.sha256).digest()[:8]).decode(),
    "without a code": lambda token: base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(token)[:16] + bytes(8)).decode(),
}


@pytest.mark.parametrize("falsify", FALSE.values(), ids=FALSE.keys())
def test_what_is_not_ours_is_refused(tapped, falsify):
    token = falsify(tapped.token)
    refused(token, "AB12CD", tapped.key)
    if "\0" not in token and token:
        status, said, complaint = program("verify_token", "--key-file", tapped.key_file, "--",
                                          token, "AB12CD")
        assert (status, said) == (1, "")
        assert complaint.startswith("refused: ")


@pytest.mark.parametrize("code", ["ab12cd", "AB12CE", "AB12C", "AB12CD ", "AB12CD\n", "", "A" * 65,
                                  "AB12CD\u0301", None, 7])
def test_a_token_of_another_code_is_refused(tapped, code):
    refused(tapped.token, code, tapped.key)


def test_what_is_no_text_is_refused(tapped):
    for token in (None, 7, tapped.token.encode(), [tapped.token]):
        refused(token, "AB12CD", tapped.key)


REFERRERS = {
    "organic": "utm_source=google-play&utm_medium=organic",
    "not set": "utm_source=(not%20set)&utm_medium=(not%20set)",
    "not set, decoded": "utm_source=(not set)&utm_medium=(not set)",
    "nothing": "",
    "somebody else's": "utm_source=other&utm_medium=cpc&gclid=x",
    "no pairs": "hello",
    "two clicks": "utm_source=brinco&utm_content=AB12CD&click=a&click=b",
    "two codes": "utm_source=brinco&utm_content=AB12CD&utm_content=OTHER&click=a",
    "huge": "utm_source=brinco&click=" + "x" * 100000,
    "none at all": None,
}


@pytest.mark.parametrize("referrer", REFERRERS.values(), ids=REFERRERS.keys())
def test_referrers_without_a_tap_say_so(tapped, referrer):
    with pytest.raises(verify_token.Refused) as why:
        verify_token.read_referrer(referrer)
    assert ("organic" in str(why.value)) == ("google-play" in (referrer or ""))
    if referrer and len(referrer) < 1000:
        status, _, complaint = program("verify_token", "--key-file", tapped.key_file,
                                       f"--referrer={referrer}")
        assert (status, complaint) == (1, f"refused: {why.value}\n")


def test_keys_are_read_from_files_of_both_kinds(tapped, tmp_path):
    raw = tmp_path / "raw"
    raw.write_bytes(tapped.key)
    assert verify_token.read_key(raw) == tapped.key
    assert verify_token.derive_key(tapped.brinco.secret()) == tapped.key
    for content in (b"", b"00", tapped.key[:-1], tapped.key.hex().encode() + b"00", b"z" * 64,
                    b"\xff" * 33):
        bad = tmp_path / "bad"
        bad.write_bytes(content)
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            verify_token.read_key(bad)
        assert program("verify_token", "--key-file", bad, tapped.token, "AB12CD")[0] == 2
    assert program("verify_token", "--key-file", tmp_path / "none", "x", "y")[0] == 2
    assert program("verify_token", "--key-file", raw)[0] == 2
    assert program("verify_token", "--key-file", raw, tapped.token)[0] == 2
    with pytest.raises(ValueError):
        verify_token.verify(tapped.token, "AB12CD", b"short")


def test_the_key_of_the_command_line_is_not_the_secret(tapped, tmp_path):
    outcome = tapped.brinco.cli("token", "key")
    assert re.fullmatch(r"[0-9a-f]{64}\n", outcome.stdout), "while the server runs"
    assert outcome.stdout.strip() != tapped.brinco.secret().hex()
    empty = tmp_path / "nobody"
    outcome = run("token", "key", "-o", f"data.dir={empty}")
    assert outcome.returncode == 2
    assert str(empty / "secret") in outcome.stderr
    assert not empty.exists(), "nothing is made"
    empty.mkdir()
    (empty / "secret").write_bytes(SECRET)
    os.chmod(empty / "secret", 0o644)
    assert run("token", "key", "-o", f"data.dir={empty}").returncode == 2, "others can read it"
    os.chmod(empty / "secret", 0o600)
    outcome = run("token", "key", "-o", f"data.dir={empty}")
    assert outcome.stdout.strip() == verify_token.derive_key(SECRET).hex()
    assert run("token", "key", "more").returncode == 2


def test_the_example_of_the_page_is_right():
    rows = dict(re.findall(r"^\| (secret|key|code|token) \| `(\S+)` \|$", PAGE, re.MULTILINE))
    key = verify_token.derive_key(bytes.fromhex(rows["secret"]))
    assert key.hex() == rows["key"]
    click = verify_token.verify(rows["token"], rows["code"], key)
    assert f"`{click.id}`" in PAGE
    assert click.tapped_at.isoformat(timespec="milliseconds").replace("+00:00", "Z") in PAGE


def test_the_page_explains_every_reason_and_status():
    for path, macro in (("include/link/checks.h", "CHECK_REASONS"),
                        ("include/credit/judge.h", "CREDIT_STATUSES")):
        text = (ROOT / path).read_text(encoding="utf-8")
        table = re.search(rf"#define {macro}\(X\)(.*?[^\\])\n", text, re.DOTALL).group(1)
        names = re.findall(r'X\(\w+, "(\w+)"\)', table)
        assert len(names) >= 3
        for name in names:
            assert f"| `{name}` |" in PAGE, name


def test_the_programs_can_be_run():
    for path in PROGRAMS.glob("*.py"):
        assert path.stat().st_mode & stat.S_IXUSR, path
        assert program(path.stem, "--help")[0] == 0
        assert f"attribution/{path.name}" in PAGE
