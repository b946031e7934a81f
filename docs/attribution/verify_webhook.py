#!/usr/bin/python3
"""Verifies the webhooks that brinco sends (Standard Webhooks, https://www.standardwebhooks.com).

As a library, with nothing but Python 3.8 or later:

    message_id = verify(secret, headers, body)   # raises Refused, which says why
    if not already_handled(message_id):          # the same one may come again
        handle(json.loads(body))

`secret` is the campaign's, whsec_...; `body` the bytes as they came: verify first, parse then.

On the command line, the body on standard input:

    WEBHOOK_SECRET=whsec_... verify_webhook.py --id ID --timestamp SECONDS --signature 'v1,...'
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import os
import re
import sys
import time

PREFIX = "whsec_"
TOLERANCE_S = 5 * 60  # how far the sender's clock and ours may be apart
SIGNATURES_MAX = 16
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64


class Refused(Exception):
    """Not from whom it says, or not now. Answer 401 or 400, and do nothing else."""


def read_secret(text):
    try:
        key = base64.b64decode(text[len(PREFIX):], validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ValueError("a secret is whsec_ and the key in base64")
    return key


def sign(secret, message_id, timestamp, body):
    """What brinco writes into webhook-signature."""
    message = b".".join([message_id.encode("ascii"), str(timestamp).encode("ascii"), body])
    mac = hmac.new(read_secret(secret), message, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode("ascii")


def verify(secret, headers, body, now=None):
    """The message's id, when it is genuine and recent. headers: names in any case."""
    fields = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (
        fields.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    if not re.fullmatch(r"[\x21-\x2d\x2f-\x7e]{1,256}", message_id, re.ASCII):
        raise Refused("webhook-id is missing, or none")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        raise Refused("webhook-timestamp is missing, or no number of seconds")
    expected = sign(secret, message_id, timestamp, body).encode("ascii")
    is_genuine = False
    # While a secret is being replaced there are several, separated by spaces: one is enough.
    for signature in signatures.split(" ")[:SIGNATURES_MAX]:
        is_genuine |= hmac.compare_digest(signature.encode("utf-8", "replace"), expected)
    if not is_genuine:
        raise Refused("the signature is not ours: another secret, or something was altered")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise Refused("too old, or from the future: somebody may be sending it again")
    return message_id


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verifies a webhook of brinco.")
    for name in ("id", "timestamp", "signature"):
        parser.add_argument(f"--{name}", required=True, help=f"of the header webhook-{name}")
    parser.add_argument("--now", type=int, help="Unix seconds, in place of the clock's")
    line = parser.parse_args(arguments)
    headers = {"webhook-id": line.id, "webhook-timestamp": line.timestamp,
               "webhook-signature": line.signature}
    try:
        verify(os.environ.get("WEBHOOK_SECRET", ""), headers, sys.stdin.buffer.read(), line.now)
    except ValueError as error:
        parser.error(f"WEBHOOK_SECRET: {error}")
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    print("genuine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
