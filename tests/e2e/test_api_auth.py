"""Tokens: made and revoked on the command line, asked for everywhere under /v1, and not guessed."""

import contextlib
import hashlib
import json
import re

import pytest

from harness.api import Api, api_only
from harness.brinco import run
from harness.http import Connection, raw, request
from harness.metrics import Metrics
from harness.wait import wait_for

SHAPE = re.compile(r"brinco_[A-Za-z0-9_-]{40}")
WRONG = "brinco_" + "A" * 40


def new_token(system, role="read", name="test", *more):
    outcome = system.brinco.cli("token", "new", "--role", role, "--name", name, *more)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.strip()


def ask(system, target="/v1", token=None, method="GET", headers=(), authorization=None):
    """One request on a connection of its own."""
    if token is not None:
        authorization = f"Bearer {token}"
    fields = [*headers, "Connection: close"]
    if authorization is not None:
        fields.append(f"Authorization: {authorization}")
    with Connection(system.brinco.api_port) as connection:
        return connection.ask(request(target, method, headers=fields), to_head=method == "HEAD")


def problem(reply):
    """The problem document of an answer, checked for what all of them have."""
    assert reply.header("Content-Type") == "application/problem+json", reply
    document = json.loads(reply.body)
    assert document["type"] == "about:blank"
    assert document["status"] == reply.status
    assert document["title"] and document["detail"]
    assert set(document) <= {"type", "title", "status", "detail", "field"}
    return document


def total(system, name, **labels):
    return system.brinco.metrics().sum(name, **labels)


# --- the command line ---------------------------------------------------------------------------


def test_new_prints_the_token_alone_and_once(shared):
    outcome = shared.brinco.cli("token", "new", "--role", "read", "--name", "alone")
    assert SHAPE.fullmatch(outcome.stdout.strip()), outcome.stdout
    assert outcome.stdout.count("\n") == 1
    assert "once" in outcome.stderr and outcome.stdout.strip() not in outcome.stderr
    listed = shared.brinco.cli("token", "list").stdout
    assert "alone" in listed and outcome.stdout.strip() not in listed


def test_redis_has_the_hash_and_nothing_else(shared):
    token = new_token(shared, "write", "kept")
    key = "brinco:token:" + hashlib.sha256(token.encode()).hexdigest()
    fields = shared.keys.hgetall(key)
    assert fields.keys() == {"name", "role", "created_at"}
    assert (fields["name"], fields["role"]) == ("kept", "write")
    assert not any(token[7:] in value for value in fields.values())


def test_new_and_list_speak_json(shared):
    outcome = shared.brinco.cli("token", "new", "--role", "events", "--name", 'q"ñ', "--json")
    made = json.loads(outcome.stdout)
    assert SHAPE.fullmatch(made["token"]) and (made["name"], made["role"]) == ('q"ñ', "events")
    listed = [json.loads(line) for line in
              shared.brinco.cli("token", "list", "--json").stdout.splitlines()]
    entry = next(entry for entry in listed if entry["hash"] == made["hash"])
    assert entry == {key: made[key] for key in ("name", "role", "created_at", "hash")}
    assert hashlib.sha256(made["token"].encode()).hexdigest().startswith(made["hash"])
    assert len(made["hash"]) == 12


@pytest.mark.parametrize("arguments", [
    ("--name", "x"), ("--role", "king", "--name", "x"), ("--role", "read"),
    ("--role", "read", "--name", ""), ("--role", "read", "--name", "a\nb"),
    ("--role", "read", "--name", "\x1b[31m"), ("--role", "read", "--name", "x" * 65)])
def test_a_role_and_a_name_are_needed(shared, arguments):
    outcome = shared.brinco.cli("token", "new", *arguments)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert "--role" in outcome.stderr or "--name" in outcome.stderr


def test_revoking_by_name_and_by_hash(shared):
    by_name = new_token(shared, name="by-name")
    by_hash = json.loads(shared.brinco.cli("token", "new", "--role", "read", "--name", "by-hash",
                                           "--json").stdout)
    assert ask(shared, token=by_name).status == ask(shared, token=by_hash["token"]).status == 200
    outcome = shared.brinco.cli("token", "revoke", "by-name")
    assert outcome.returncode == 0 and "by-name" in outcome.stdout
    assert ask(shared, token=by_name).status == 401
    assert ask(shared, token=by_hash["token"]).status == 200
    assert shared.brinco.cli("token", "revoke", by_hash["hash"]).returncode == 0
    assert ask(shared, token=by_hash["token"]).status == 401
    assert shared.brinco.cli("token", "revoke", "by-name").returncode == 1


def test_an_ambiguous_name_revokes_none(shared):
    tokens = [new_token(shared, name="twins") for _ in range(2)]
    outcome = shared.brinco.cli("token", "revoke", "twins")
    assert outcome.returncode == 1
    for token in tokens:
        assert hashlib.sha256(token.encode()).hexdigest()[:12] in outcome.stderr
        assert ask(shared, token=token).status == 200


def test_without_redis_the_command_says_so(tmp_path):
    for words in (("new", "--role", "read", "--name", "x"), ("list",), ("revoke", "x")):
        outcome = run("token", *words, "-o", f"redis.url=unix://{tmp_path}/none")
        assert outcome.returncode == 2 and "redis.url" in outcome.stderr


# --- who is let in ------------------------------------------------------------------------------


@pytest.mark.short
@pytest.mark.parametrize("target", ["/v1", "/v1/", "/v1/stats", "/v1/nothing", "/%76%31/links",
                                    "/v1/links/%00", "/v1/stats?a=1&a=2", "/v1/stats/live"])
@pytest.mark.parametrize("authorization", [None, "", "Basic dXNlcjpwYXNz", "Bearer", "Bearer x",
                                           f"Bearer {WRONG}", f"Token {WRONG}"])
def test_nothing_is_told_to_who_has_no_token(strangers, target, authorization):
    reply = ask(strangers, target, authorization=authorization)
    if reply.status == 429:  # this source has guessed too often by now
        assert authorization is not None and authorization.startswith("Bearer")
        return
    assert reply.status == 401
    assert reply.header("WWW-Authenticate").startswith("Bearer")
    assert reply.body == ask(strangers).body, "the same for all"
    problem(reply)


@pytest.fixture(scope="module")
def strangers(make_module_system):
    return api_only(make_module_system)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS",
                                    "TRACE", "BREW"])
def test_methods_are_not_told_apart_without_a_token(strangers, method):
    assert ask(strangers, "/v1/links/x", method=method).status == 401


@pytest.mark.short
def test_a_token_works_at_once_and_ends_at_once(own):
    token = new_token(own, "read", "now")
    with Connection(own.brinco.api_port) as connection:
        fields = [f"Authorization: Bearer {token}"]
        assert connection.ask(request("/v1", headers=fields)).status == 200
        own.brinco.cli("token", "revoke", "now")
        assert connection.ask(request("/v1", headers=fields)).status == 401


def test_roles(shared):
    tokens = {role: new_token(shared, role, f"role-{role}") for role in ("read", "write", "events")}

    def statuses(method, target):
        return [ask(shared, target, tokens[role], method).status for role in tokens]

    assert statuses("GET", "/v1") == [200, 200, 403]
    assert statuses("HEAD", "/v1/stats") == [200, 200, 403]
    assert statuses("GET", "/v1/links") == [200, 200, 403]
    read, write, events = statuses("DELETE", "/v1/links/nobody")
    assert (read, events) == (403, 403) and write not in (401, 403)
    assert statuses("GET", "/v1/nothing") == [404, 404, 404]
    assert statuses("PUT", "/v1/stats") == [405, 405, 405]
    refused = problem(ask(shared, "/v1/links/x", tokens["read"], "PUT"))
    assert "write" in refused["detail"] and "read" in refused["detail"]
    assert total(shared, "brinco_api_auth_failures_total", reason="role") >= 6


@pytest.mark.parametrize("broken", [{"role": "king"}, {"role": ""}, {"name": ""},
                                    {"name": "a\r\nb"}])
def test_a_token_that_redis_has_malformed_is_none(shared, broken):
    token = new_token(shared, "write", "broken")
    shared.keys.hset("brinco:token:" + hashlib.sha256(token.encode()).hexdigest(), mapping=broken)
    assert ask(shared, token=token).status in (401, 429)


def test_two_tokens_are_none(shared):
    token = new_token(shared)
    reply = ask(shared, token=token, headers=[f"Authorization: Bearer {token}"])
    assert reply.status == 400 and problem(reply)["field"] == "Authorization"


def test_a_token_in_the_query_is_for_event_streams_alone(shared):
    token = new_token(shared)
    assert ask(shared, f"/v1?access_token={token}").status == 401
    assert ask(shared, f"/v1/stats?access_token={token}").status == 401
    assert ask(shared, f"/v1/stats/live?access_token={token}", method="HEAD").status == 200
    both = ask(shared, f"/v1/stats/live?access_token={token}", token, "HEAD")
    assert both.status == 400


def test_no_token_is_ever_logged(make_system):
    system = make_system(log__level="debug")
    token = new_token(system)
    ask(system, token=token)
    ask(system, f"/v1/stats/live?access_token={token}", method="HEAD")
    ask(system, "/v1/links/x", token, "DELETE")
    ask(system, token=WRONG)
    system.brinco.stop()
    assert token[7:20] not in system.brinco.log() and WRONG not in system.brinco.log()


# --- who guesses --------------------------------------------------------------------------------


def test_wrong_tokens_are_limited_and_valid_ones_are_not(own):
    token = new_token(own)
    with Connection(own.brinco.api_port) as connection:
        def status(text):
            fields = [f"Authorization: Bearer {text}"] if text else []
            reply = connection.ask(request("/v1", headers=fields))
            if reply.status == 429:
                assert 1 <= int(reply.header("Retry-After")) <= 2
                problem(reply)
            return reply.status

        answers = [status(WRONG) for _ in range(60)]
        assert answers[:30] == [401] * 30
        assert 20 <= answers.count(429) <= 30, "one every two seconds may pass"
        assert status(token) == 200, "a valid token always passes"
        assert status(None) == 401, "no token is not a wrong one"
        wait_for(lambda: status(WRONG) == 401, 10, "after two seconds the next may be tried")
    assert total(own, "brinco_api_rate_limited_total") >= 20
    assert total(own, "brinco_api_auth_failures_total", reason="wrong") >= 60
    assert total(own, "brinco_api_auth_failures_total", reason="missing") == 1


def test_guessing_is_logged_once_a_minute_and_without_an_address(own):
    with Connection(own.brinco.api_port) as connection:
        for _ in range(80):
            connection.ask(request("/v1", headers=["Authorization: Bearer x"]))
    lines = [line for line in own.brinco.log().splitlines() if "event=api_wrong_tokens" in line]
    assert len(lines) == 1 and "127.0.0.1" not in lines[0]


# --- Redis away ---------------------------------------------------------------------------------


def test_without_redis_a_token_is_503_and_comes_back(make_system):
    system = api_only(make_system)
    token = new_token(system)
    assert ask(system, token=token).status == 200
    system.redis.kill()
    reply = ask(system, token=token)
    assert reply.status == 503 and reply.header("Retry-After") == "1"
    assert "sock" not in problem(reply)["detail"], "where Redis is, is nobody's business"
    assert ask(system).status == 401
    assert system.brinco.admin("/healthz")[0] == 200
    system.redis.start()
    wait_for(lambda: ask(system, token=token).status == 200, what="Redis is found again")


def test_a_restart_of_redis_is_nobodys_failed_request(make_system):
    system = api_only(make_system)
    token = new_token(system)
    for _ in range(20):
        assert ask(system, token=token).status == 200
    system.redis.kill()
    system.redis.start()
    assert [ask(system, token=token).status for _ in range(20)] == [200] * 20
    assert total(system, "brinco_api_redis_failures_total") == 0
    assert "event=api_redis_failed" not in system.brinco.log()


@pytest.mark.short
def test_a_redis_that_hangs_holds_up_nobody_else(make_system):
    """All pool threads wait; health and metrics answer at once, and the queue does not grow old."""
    system = api_only(make_system, redis__timeout_ms=500)
    token = new_token(system)
    ask(system, token=token)
    system.redis.freeze()
    data = request("/v1", headers=[f"Authorization: Bearer {token}"])
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(system.brinco.api_port)) for _ in range(80)]
        for connection in connections:
            connection.send(data)
        status, _, text = system.brinco.admin("/metrics")
        assert status == 200
        wait_for(lambda: total(system, "brinco_api_refused_total", reason="queue") > 0,
                 what="the queue is full")
        assert system.brinco.admin("/healthz")[0] == 200
        assert Metrics(text).sum("brinco_api_connections") > 4
        assert {connection.read_reply().status for connection in connections} == {503}
    system.redis.resume()
    wait_for(lambda: ask(system, token=token).status == 200, what="Redis is found again")


def test_the_routes_are_listed(shared):
    routes = Api(shared, "read").json("/v1")["routes"]
    assert {"method": "GET", "path": "/v1", "role": "read"} in routes
    assert {"method": "DELETE", "path": "/v1/links/{code}", "role": "write"} in routes
    for route in routes:
        is_report = (route["method"], route["path"]) == ("POST", "/v1/conversions")
        assert route["role"] == ("events" if is_report else
                                 "read" if route["method"] == "GET" else "write")
    assert len({(route["method"], route["path"]) for route in routes}) == len(routes)


def test_raw_rubbish_in_the_field_is_refused(shared):
    for value in (b"Bearer \xff\xfe", b"Bearer " + b"A" * 8000, b"Bearer a b c", b"\tBearer\t"):
        replies = raw(shared.brinco.api_port, b"GET /v1 HTTP/1.1\r\nHost: a\r\n"
                      b"Connection: close\r\nAuthorization: " + value + b"\r\n\r\n")
        assert [reply.status in (400, 401, 429) for reply in replies] == [True]
