"""Conversions written into streams without an API, as docs/formats.md describes them."""

import os
import time

from . import tokens

FIELDS = ("id", "at", "event", "proof", "code", "click", "click_id", "happened_at",
          "install_begin_at", "referrer_click_at", "value", "currency", "user", "key", "reporter",
          "version")


def ulid(ms):
    return tokens.ulid_text(ms.to_bytes(6, "big") + os.urandom(10))


class Reports:
    """Writes to one stream, whose sequence rises from 1."""

    def __init__(self, keys, stream="brinco:conversions:e:0"):
        self.keys, self.stream, self.sequence, self.last_ms = keys, stream, 0, 0

    def add(self, event, proof="unverified", **fields):
        """One conversion; its id is returned."""
        self.last_ms = max(self.last_ms, int(time.time() * 1000))
        self.sequence += 1
        entry = dict.fromkeys(FIELDS, "")
        entry.update(id=ulid(self.last_ms), at=self.last_ms, event=event, proof=proof,
                     happened_at=self.last_ms, reporter="bank", version="1", **fields)
        pipe = self.keys.pipeline()
        pipe.xadd(self.stream, entry, id=f"{self.last_ms}-{self.sequence}")
        pipe.sadd("brinco:conversion-streams", self.stream)
        pipe.execute()
        return entry["id"]

    def verified(self, token, event, **fields):
        """Of a token that verifies for AB12CD."""
        return self.add(event, "verified", **{
            "code": "AB12CD", "click": token, "click_id": tokens.click_id(token), **fields})

    def open(self, token, event, **fields):
        """Of a token whose code was not reported."""
        return self.add(event, "open", click=token, click_id=tokens.click_id(token), **fields)

    def judged(self):
        return int(self.keys.hget("brinco:funnel:total", self.stream) or 0)

    def is_judged(self):
        return self.judged() == self.sequence


def funnel(keys, scope="all"):
    """All days of a funnel, added up."""
    found = {}
    for key in keys.scan_iter(f"brinco:funnel:{scope}:????????"):
        for field, number in keys.hgetall(key).items():
            found[field] = found.get(field, 0) + int(number)
    return found
