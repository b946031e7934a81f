#!/usr/bin/python3
"""Reports to brinco what somebody did in the app: an install, a sign-up, a first loan.

As a library, with nothing but Python 3.8 or later:

    reporter = Reporter("http://10.0.0.5:8081", token)          # an API token of role `events`
    answer = reporter.report("first-loan-4711", event="first_loan", click=click, code=code,
                             at="2026-01-31T18:00:00Z", value=150000, currency="MXN")

On the command line (the API token comes from the environment, where no list of processes shows
it):

    BRINCO_TOKEN=... report.py --url http://10.0.0.5:8081 --key first-loan-4711 \\
        event=first_loan click=TOKEN code=AB12CD value=150000 currency=MXN

The first word after the URL is the idempotency key: your own name for this one happening, the
same each time it is sent. So sending it again, after a timeout or a crash, never counts twice.
docs/attribution.md says what the fields mean.
"""

import argparse
import http.client
import json
import os
import random
import re
import sys
import time
import urllib.error
import urllib.request

ATTEMPTS = 6
TIMEOUT_S = 5
PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 30
ANSWER_BYTES_MAX = 1 << 20
NUMBERS = ("value",)
KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


class Failed(Exception):
    """It was not taken. `status` is the answer's (None: there was none), `again` says whether
    sending the same later can help."""

    def __init__(self, text, status=None, again=False):
        super().__init__(text)
        self.status, self.again = status, again


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token goes to where it was meant to go, and nowhere else."""

    def redirect_request(self, *_):
        return None


class Reporter:
    """Sends reports. Threads may share one."""

    def __init__(self, url, token, attempts=ATTEMPTS, timeout=TIMEOUT_S, sleep=time.sleep):
        self.address = url.rstrip("/") + "/v1/conversions"
        self.token, self.attempts, self.timeout, self.sleep = token, attempts, timeout, sleep
        # No proxy from the environment: the API stands beside you.
        self.opener = urllib.request.build_opener(NoRedirects, urllib.request.ProxyHandler({}))

    def report(self, key, **fields):
        """What brinco answered, as a dict. Raises Failed; when its `again` is true, send the same
        later, with the same key."""
        if not KEY.fullmatch(key):
            raise ValueError("a key is 1 to 128 visible ASCII characters, without spaces")
        body = json.dumps({name: value for name, value in fields.items()
                           if value is not None}).encode()
        pause = PAUSE_FIRST_S
        for attempt in range(1, self.attempts + 1):
            try:
                return self._send(key, body)
            except Failed as failed:
                if not failed.again or attempt == self.attempts:
                    raise
                wait = max(pause * random.uniform(0.5, 1), getattr(failed, "after", 0))
            self.sleep(min(wait, PAUSE_MAX_S))
            pause = min(2 * pause, PAUSE_MAX_S)
        raise AssertionError("attempts is at least 1")

    def _send(self, key, body):
        request = urllib.request.Request(self.address, data=body, method="POST", headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
            "Idempotency-Key": key})
        try:
            with self.opener.open(request, timeout=self.timeout) as answer:
                taken = json.loads(answer.read(ANSWER_BYTES_MAX))
            if not isinstance(taken, dict) or "id" not in taken:
                raise ValueError("it is not brinco's")
            return taken
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            # It may have been taken, and the answer lost: the key makes sending it again safe.
            raise Failed(f"no whole answer: {error}", again=True) from None

    @staticmethod
    def _refusal(error):
        """429 and 5xx are about now; everything else is about what was sent."""
        with error:
            text = error.read(2000).decode("utf-8", "replace")
        failed = Failed(f"{error.code}: {text.strip()}", error.code,
                        error.code == 429 or error.code >= 500)
        after = error.headers.get("Retry-After", "")
        failed.after = int(after) if re.fullmatch(r"[0-9]{1,5}", after) else 0
        return failed


def read_fields(words):
    fields = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name in fields:
            raise ValueError(f"{word!r}: allowed is NAME=VALUE, each name once")
        fields[name] = int(text) if name in NUMBERS else text
    return fields


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Reports a conversion to brinco.")
    parser.add_argument("--url", default="http://127.0.0.1:8081", help="where its API is")
    parser.add_argument("--key", required=True, help="your name for this one happening")
    parser.add_argument("--attempts", type=int, default=ATTEMPTS)
    parser.add_argument("fields", nargs="+", metavar="NAME=VALUE")
    line = parser.parse_args(arguments)
    token = os.environ.get("BRINCO_TOKEN", "")
    if not token:
        parser.error("BRINCO_TOKEN is not set: an API token of role events")
    try:
        reporter = Reporter(line.url, token, max(line.attempts, 1))
        print(json.dumps(reporter.report(line.key, **read_fields(line.fields))))
    except ValueError as error:
        parser.error(str(error))
    except Failed as failed:
        print(f"not taken: {failed}", file=sys.stderr)
        return 3 if failed.again else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
