"""docs/attribution.md: reports and webhooks, with the Python and the curl that it shows."""

import base64
import collections
import http.server
import json
import os
import re
import subprocess
import threading
import time

import pytest

from harness import agents, tokens
from harness.api import Api
from harness.attribution import PAGE, module, program
from harness.wait import Port, wait_for
from harness.webhooks import Deliveries, Receiver

SECRET = bytes(range(32))

report = module("report")
verify_webhook = module("verify_webhook")


@pytest.fixture(scope="module")
def tapped(make_module_system):
    """A server, and what it answered to a tap of an Android phone."""
    system = make_module_system(serve__roles="edge api")

    class Tapped:
        brinco = system.brinco
        referrer = tokens.query_of(system.tap("AB12CD", agents.ANDROID).location)["referrer"]
        token = dict(pair.split("=") for pair in referrer.split("&"))["click"]

    Tapped.system = system
    return Tapped


# --- reports -------------------------------------------------------------------------------------

class Stub:
    """An API that answers as it is told, one answer after the other, and notes what it is asked."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.requests.append((self.path, dict(self.headers), body))
                status, headers, text = stub.answers.pop(0)
                if status == "hang":
                    stub.ended.wait(20)
                    return
                if status == "cut":
                    self.wfile.write(b"HTTP/1.1 202 Acc")
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.ended = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def stub():
    made = []

    def make(*answers):
        made.append(Stub(*answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


TAKEN = (202, {}, b'{"id":"01K","status":"verified"}')


def reporter(stub, pauses, **more):
    return report.Reporter(stub.url, "brinco_token", timeout=0.5, sleep=pauses.append, **more)


def test_a_report_is_sent_until_it_is_taken(stub):
    api = stub((503, {"Retry-After": "7"}, b"{}"), ("hang", {}, b""), ("cut", {}, b""),
               (429, {}, b"{}"), (200, {}, b"no JSON"), TAKEN)
    pauses = []
    answer = reporter(api, pauses).report("loan-1", event="first_loan", click="T", value=5,
                                          currency="MXN", code=None)
    assert answer["status"] == "verified"
    assert len(api.requests) == 6
    for path, headers, body in api.requests:
        assert path == "/v1/conversions"
        assert headers["Idempotency-Key"] == "loan-1"
        assert headers["Authorization"] == "Bearer brinco_token"
        assert json.loads(body) == {"event": "first_loan", "click": "T", "value": 5,
                                    "currency": "MXN"}
    assert pauses[0] == 7, "as Retry-After asks"
    assert all(0 < pause <= report.PAUSE_MAX_S for pause in pauses)
    assert max(pauses[1:]) > min(pauses[1:])


def test_what_is_refused_is_not_sent_again(stub):
    for status in (400, 401, 403, 409, 422):
        api = stub((status, {}, b'{"detail":"no such event"}'))
        with pytest.raises(report.Failed) as failed:
            reporter(api, []).report("k", event="x")
        assert (failed.value.status, failed.value.again) == (status, False)
        assert "no such event" in str(failed.value)
        assert len(api.requests) == 1


def test_the_token_does_not_follow_a_redirect(stub):
    other = stub(TAKEN)
    api = stub((307, {"Location": other.url + "/v1/conversions"}, b""))
    with pytest.raises(report.Failed) as failed:
        reporter(api, []).report("k", event="install")
    assert (failed.value.status, failed.value.again) == (307, False)
    assert not other.requests


def test_after_some_attempts_it_is_for_later(stub):
    api = stub(*[(503, {"Retry-After": "99999"}, b"{}")] * 3)
    pauses = []
    with pytest.raises(report.Failed) as failed:
        reporter(api, pauses, attempts=3).report("k", event="install")
    assert failed.value.again
    assert pauses == [report.PAUSE_MAX_S] * 2
    port = Port()
    nobody = report.Reporter(f"http://127.0.0.1:{port.number}", "t", attempts=2,
                             sleep=pauses.append)
    with pytest.raises(report.Failed) as failed:
        nobody.report("k", event="install")
    assert failed.value.again
    port.close()


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, "l\u00edne", "a\r\nX: y"])
def test_a_key_that_is_none_is_not_sent(stub, key):
    api = stub(TAKEN)
    with pytest.raises(ValueError):
        reporter(api, []).report(key, event="install")
    assert not api.requests


def test_the_program_reports_and_says_what_became_of_it(stub):
    api = stub(TAKEN, (422, {}, b"{}"), (503, {}, b"{}"))
    words = ["--url", api.url, "--key", "k", "--attempts", "1", "event=install", "value=5"]
    status, said, _ = program("report", *words, BRINCO_TOKEN="t")
    assert (status, json.loads(said)["id"]) == (0, "01K")
    assert json.loads(api.requests[0][2]) == {"event": "install", "value": 5}
    assert program("report", *words, BRINCO_TOKEN="t")[0] == 1
    assert program("report", *words, BRINCO_TOKEN="t")[0] == 3
    assert program("report", *words)[0] == 2, "without a token"
    assert program("report", *words, "value=many", BRINCO_TOKEN="t")[0] == 2
    assert program("report", *words, "event=again", BRINCO_TOKEN="t")[0] == 2
    assert len(api.requests) == 3


def test_reports_are_taken_by_a_running_server(tapped):
    token = Api(tapped.system, "events").token
    url = f"http://127.0.0.1:{tapped.brinco.api_port}"
    sender = report.Reporter(url, token)
    first = sender.report("install-1", event="install", referrer=tapped.referrer,
                          install_begin_at=int(time.time()), referrer_click_at=0)
    assert first["status"] == "verified"
    assert (first["click"], first["code"]) == (tokens.click_id(tapped.token), "AB12CD")
    assert sender.report("install-1", event="install", referrer=tapped.referrer,
                         install_begin_at=int(time.time()), referrer_click_at=0) == first
    loan = {"event": "first_loan", "click": tapped.token, "code": "AB12CD", "value": 150000,
            "currency": "MXN", "user": "u-1",
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    assert sender.report("loan-1", **loan)["status"] == "verified"
    statuses = collections.Counter(
        sender.report(f"other-{number}", event="install", **proof)["status"]
        for number, proof in enumerate([
            {"code": "AB12CD"}, {"click": tapped.token[:-1], "code": "AB12CD"},
            {"click": tapped.token, "code": "ab12cd"},
            {"click": tapped.token.swapcase(), "code": "AB12CD"}]))
    assert statuses == {"unverified": 1, "forged": 3}
    with pytest.raises(report.Failed) as failed:
        sender.report("loan-1", **{**loan, "value": 1})
    assert not failed.value.again, "this key was for another loan"
    with pytest.raises(report.Failed) as failed:
        report.Reporter(url, token + "x").report("k", event="install", code="AB12CD")
    assert failed.value.status == 401


def test_the_curl_of_the_page_is_taken(tapped):
    """As it stands there, with a token and a time of today."""
    block = re.search(r"```\n(curl --fail-with-body .*?)```", PAGE, re.DOTALL).group(1)
    command = block.replace("http://127.0.0.1:8081", f"http://127.0.0.1:{tapped.brinco.api_port}")
    command = re.sub(r'"click":"[^"]*"', f'"click":"{tapped.token}"', command)
    command = re.sub(r'"at":"[^"]*"', f'"at":{int(time.time())}', command)
    outcome = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30,
                             check=False, env={"PATH": os.environ["PATH"], "BRINCO_TOKEN":
                                               Api(tapped.system, "events").token})
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert json.loads(outcome.stdout)["status"] == "verified"


# --- webhooks ------------------------------------------------------------------------------------

SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()
BODY = b'{"type":"conversion"}'


def signed(now, secret=SECRET_TEXT, message_id="01K", body=BODY):
    return {"Webhook-Id": message_id, "WEBHOOK-TIMESTAMP": str(now),
            "webhook-signature": verify_webhook.sign(secret, message_id, now, body)}


def not_genuine(headers, body=BODY, secret=SECRET_TEXT, now=1000):
    with pytest.raises(verify_webhook.Refused) as why:
        verify_webhook.verify(secret, headers, body, now)
    assert len(str(why.value)) > 10


def test_a_webhook_that_is_sent_verifies(make_system):
    receiver = Receiver()
    try:
        system = make_system(serve__roles="edge collector api",
                             webhooks__allowed_hosts="127.0.0.1")
        key = Deliveries(system.keys).add(receiver.url("/hook"), campaign="spring")
        outcome = system.brinco.cli("webhook", "secret", "spring")
        assert outcome.returncode == 0, outcome.stderr
        secret = outcome.stdout.strip()
        request = wait_for(lambda: receiver.requests)[0]
        assert verify_webhook.verify(secret, request.headers, request.body) == key
        not_genuine(request.headers, request.body + b" ", secret, request.at)
        not_genuine(request.headers, request.body, secret, request.at + 3600)
        system.campaign("autumn")
        other = system.brinco.cli("webhook", "secret", "autumn").stdout.strip()
        not_genuine(request.headers, request.body, other, request.at)
    finally:
        receiver.close()


def test_a_webhook_is_recent_and_unaltered():
    assert verify_webhook.verify(SECRET_TEXT, signed(1000), BODY, 1000) == "01K"
    assert verify_webhook.verify(SECRET_TEXT, signed(1000), BODY, 1300) == "01K"
    assert verify_webhook.verify(SECRET_TEXT, signed(1000), BODY, 700) == "01K"
    not_genuine(signed(1000), now=1301)
    not_genuine(signed(1000), now=699)
    not_genuine(signed(1000), body=BODY + b"\n")
    not_genuine({**signed(1000), "Webhook-Id": "01L"})
    not_genuine({**signed(1000), "WEBHOOK-TIMESTAMP": "1001"})
    not_genuine(signed(1000, secret="whsec_" + base64.b64encode(bytes(32)).decode()))
    for missing in signed(1000):
        not_genuine({name: value for name, value in signed(1000).items() if name != missing})


def test_one_signature_of_several_is_enough():
    good = signed(1000)
    signature = good["webhook-signature"]
    for text in (f"v1,AAAA {signature}", f"{signature} v1,AAAA", f"v2,x {signature} v1a,y"):
        assert verify_webhook.verify(SECRET_TEXT, {**good, "webhook-signature": text}, BODY, 1000)
    for text in ("", "v1", "v1,", signature[:-1], signature.replace("v1,", "v2,"), signature + "A",
                 "\u00e9", " ".join(["v1,x"] * 1000 + [signature])):
        not_genuine({**good, "webhook-signature": text})


@pytest.mark.parametrize("message_id, timestamp", [
    ("", "1000"), ("a.b", "1000"), ("a b", "1000"), ("x" * 257, "1000"), ("01K", ""),
    ("01K", "1e3"), ("01K", "-1000"), ("01K", "9" * 13), ("01K", "\u0661\u0660\u0660\u0660")])
def test_headers_that_are_none_are_refused(message_id, timestamp):
    not_genuine({**signed(1000), "Webhook-Id": message_id, "WEBHOOK-TIMESTAMP": timestamp})


def test_a_secret_that_is_none_is_said_to_be():
    for text in ("", "whsec_", "whsec_AAAA", SECRET_TEXT[6:], "whsec_***"):
        with pytest.raises(ValueError):
            verify_webhook.verify(text, signed(1000), BODY, 1000)


def test_the_program_verifies_a_webhook():
    headers = signed(1000)
    words = ["--id", "01K", "--timestamp", "1000", "--signature", headers["webhook-signature"],
             "--now", "1000"]
    outcome = program("verify_webhook", *words, stdin=BODY, WEBHOOK_SECRET=SECRET_TEXT)
    assert outcome == (0, "genuine\n", "")
    assert program("verify_webhook", *words, stdin=b"x", WEBHOOK_SECRET=SECRET_TEXT)[0] == 1
    assert program("verify_webhook", *words[:-2], stdin=BODY, WEBHOOK_SECRET=SECRET_TEXT)[0] == 1
    assert program("verify_webhook", *words, stdin=BODY)[0] == 2
