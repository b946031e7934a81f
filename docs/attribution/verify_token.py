#!/usr/bin/python3
"""Verifies brinco's click tokens, offline: did this tap happen, on this link?

As a library, with nothing but Python 3.8 or later:

    key = read_key("click-token.key")            # what `brinco token key` printed
    code, token = read_referrer(referrer)        # what Google Play handed to the app
    click = verify(token, code, key)             # raises Refused, which says why
    click.id, click.tapped_at

On the command line:

    verify_token.py --key-file click-token.key TOKEN CODE
    verify_token.py --key-file click-token.key --referrer 'utm_source=brinco&...&click=TOKEN'

prints the click as JSON and exits with 0; with 1 and a sentence when it is refused, with 2 when
the question is wrong. docs/attribution.md has the byte layout.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import hmac
import json
import re
import sys
import urllib.parse

TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
REFERRER_CHARACTERS_MAX = 4096
KEY_BYTES = 32
ID_BYTES = 16
TAG_BYTES = 8
ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32


class Refused(Exception):
    """The token proves nothing. The text says why, for your log; tell the sender no more than
    that it was refused."""


class Click:
    """A tap that happened. `id` is the click's ULID, as in the stream and `brinco explain`;
    `tapped_at` is when, to the millisecond, by the edge's clock."""

    def __init__(self, raw_id, code):
        number = int.from_bytes(raw_id, "big")
        self.id = "".join(ULID_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))
        self.milliseconds = number >> 80
        self.code = code

    @property
    def tapped_at(self):
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return epoch + datetime.timedelta(milliseconds=self.milliseconds)


def verify(token, code, key):
    """The Click that the token stands for. Raises Refused."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise Refused("the token is not 32 characters of A-Z a-z 0-9 - _: cut off, or of "
                      "somebody else")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise Refused("the code is not 1 to 64 characters of A-Z a-z 0-9 - _")
    raw = base64.urlsafe_b64decode(token)
    raw_id, tag = raw[:ID_BYTES], raw[ID_BYTES:]
    expected = hmac.new(key, raw_id + code.encode("ascii"), hashlib.sha256).digest()[:TAG_BYTES]
    if not hmac.compare_digest(tag, expected):
        raise Refused("the token is forged, was altered, or belongs to another code (capitals "
                      "count, in both)")
    return Click(raw_id, code)


def read_referrer(referrer):
    """Code and token in what InstallReferrerClient returned. Raises Refused when the install did
    not come from one of our links."""
    if not isinstance(referrer, str) or len(referrer) > REFERRER_CHARACTERS_MAX:
        raise Refused("the referrer is no text, or far too long to be ours")
    pairs = urllib.parse.parse_qsl(referrer, keep_blank_values=True)
    names = [name for name, _ in pairs]
    fields = dict(pairs)
    if fields.get("utm_source") == "google-play":
        raise Refused("organic: found in the store, not through a link")
    if fields.get("utm_source") in (None, "", "(not set)"):
        raise Refused("the install carries no referrer")
    if names.count("click") != 1 or names.count("utm_content") != 1:
        raise Refused("the referrer is not one of ours: it has no click, or several")
    return fields["utm_content"], fields["click"]


def derive_key(secret):
    """The key from the secret of data.dir, for who runs the edge. A backend gets the key alone."""
    return hmac.new(secret, b"brinco click token v1", hashlib.sha256).digest()


def read_key(path):
    """The key in a file: 64 hexadecimal digits, or its 32 bytes."""
    with open(path, "rb") as file:
        content = file.read(KEY_BYTES * 2 + 8)
    if len(content) == KEY_BYTES:
        return content
    try:
        key = binascii.unhexlify(content.strip())
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: neither 64 hexadecimal digits nor {KEY_BYTES} bytes")
    return key


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verifies a click token of brinco, offline.")
    parser.add_argument("--key-file", required=True, help="what `brinco token key` printed")
    parser.add_argument("--referrer", help="the whole install referrer, in place of the two words")
    parser.add_argument("token", nargs="?", metavar="TOKEN")
    parser.add_argument("code", nargs="?", metavar="CODE")
    line = parser.parse_args(arguments)
    if (line.referrer is None) == (line.token is None) or (line.token and not line.code):
        parser.error("give TOKEN and CODE, or --referrer")
    try:
        key = read_key(line.key_file)
    except (OSError, ValueError) as failure:
        parser.error(str(failure))
    try:
        code, token = read_referrer(line.referrer) if line.referrer is not None else (
            line.code, line.token)
        click = verify(token, code, key)
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    print(json.dumps({"id": click.id, "code": click.code,
                      "tapped_at": click.tapped_at.isoformat(timespec="milliseconds")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
