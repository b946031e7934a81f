"""Click tokens, from their description alone: what an app's backend would write.

token = base64url(id, 16 bytes | first 8 bytes of HMAC-SHA256(key, id | code))
key   = HMAC-SHA256(secret, "brinco click token v1")
"""

import base64
import hashlib
import hmac
import re
import urllib.parse

ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def ulid_text(raw):
    number = int.from_bytes(raw, "big")
    return "".join(ULID_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_ms(text):
    number = 0
    for character in text:
        number = number << 5 | ULID_DIGITS.index(character)
    return number >> 80


def click_id(token):
    """The id of the click that a token stands for, as it is written in the stream."""
    assert TOKEN.fullmatch(token), token
    return ulid_text(base64.urlsafe_b64decode(token)[:16])


def is_genuine(token, code, secret):
    raw = base64.urlsafe_b64decode(token)
    key = hmac.new(secret, b"brinco click token v1", hashlib.sha256).digest()
    tag = hmac.new(key, raw[:16] + code.encode(), hashlib.sha256).digest()[:8]
    return len(raw) == 24 and hmac.compare_digest(tag, raw[16:])


def query_of(location):
    """The parameters of a URL's query; each may stand there once."""
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query, keep_blank_values=True,
                                   strict_parsing=True)
    assert len(dict(pairs)) == len(pairs), location
    return dict(pairs)


def token_of(location):
    """The token in a Location: of the parameter `click`, or inside of the Play Store referrer."""
    query = query_of(location)
    if "referrer" in query:
        query = dict(urllib.parse.parse_qsl(query["referrer"], strict_parsing=True))
    return query["click"]
