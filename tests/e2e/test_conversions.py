"""Reports of conversions: taken, journaled, shipped once, whatever dies meanwhile."""

import base64
import concurrent.futures
import http.client
import json
import threading
import time

import pytest

from harness import tokens
from harness.api import Api, api_only
from harness.brinco import Brinco
from harness.journal import Segment
from harness.wait import wait_for

FIELDS = ["id", "at", "event", "proof", "code", "click", "click_id", "happened_at",
          "install_begin_at", "referrer_click_at", "value", "currency", "user", "key", "reporter",
          "version"]


class Reporter(Api):
    """What an app's backend does."""

    def __init__(self, system):
        super().__init__(system, role="events")

    def send(self, report, **headers):
        """Status, headers and the parsed answer."""
        status, fields, body = self.ask("POST", "/v1/conversions", json.dumps(report), headers={
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()}})
        return status, fields, json.loads(body)

    def report(self, event="install", **members):
        """The result of one that must be taken."""
        status, _, answer = self.send({"event": event, **members})
        assert status == 202, answer
        return answer

    def refused(self, status, field, report, **headers):
        answered, _, problem = self.send(report, **headers)
        assert (answered, problem.get("field")) == (status, field), problem
        assert problem["status"] == status
        return problem["detail"]


def stream_entries(keys):
    """Every conversion of every stream, as dictionaries with their names in order."""
    found = []
    for name in sorted(keys.smembers("brinco:conversion-streams")):
        found += [fields for _, fields in keys.xrange(name)]
    return found


def wait_for_ids(system, ids):
    """All of them are in the streams, each once."""
    def there():
        found = [entry["id"] for entry in stream_entries(system.keys)]
        return found if set(ids) <= set(found) else None

    found = wait_for(there, what="conversions in the stream")
    assert len(found) == len(set(found))
    return found


def counted(system, name, **labels):
    return system.brinco.metrics().sum(f"brinco_conversions_{name}", **labels)


def ask_token(system, code="AB12CD"):
    return tokens.token_of(system.tap(code).location)


@pytest.fixture(scope="module")
def reporter(shared):
    return Reporter(shared)


@pytest.mark.short
def test_statuses_are_by_what_the_token_proves(shared, reporter):
    token = ask_token(shared)
    click = tokens.click_id(token)
    other = ("B" if token[-1] != "B" else "C").join([token[:-1], ""])
    assert reporter.report(click=token, code="AB12CD").items() >= {
        "status": "verified", "click": click, "code": "AB12CD"}.items()
    assert reporter.report(click=token, code="OTHER")["status"] == "forged"
    assert reporter.report(click=other, code="AB12CD")["status"] == "forged"
    assert reporter.report(click=token[:-1], code="AB12CD").items() >= {
        "status": "forged", "click": None}.items()
    assert reporter.report(code="AB12CD").items() >= {
        "status": "unverified", "click": None, "code": "AB12CD"}.items()


def test_a_token_without_its_code_is_looked_up(shared, reporter):
    reply = shared.tap("AB12CD")
    shared.click_of(reply)
    token = tokens.token_of(reply.location)
    assert reporter.report(click=token).items() >= {"status": "verified", "code": "AB12CD"}.items()
    raw = bytearray(range(24))
    raw[0] = 0
    unknown = base64.urlsafe_b64encode(bytes(raw)).decode()
    assert reporter.report(click=unknown).items() >= {"status": "open", "code": None}.items()


def test_the_referrer_says_it_all(shared, reporter):
    query = tokens.query_of(shared.tap("AB12CD").location)
    answer = reporter.report(referrer=query["referrer"])
    assert answer.items() >= {"status": "verified", "code": "AB12CD"}.items()


@pytest.mark.short
def test_an_entry_has_every_field_in_its_order(shared, reporter):
    token = ask_token(shared)
    now = int(time.time())
    answer = reporter.report(
        "first_loan", click=token, code="AB12CD", at=now - 60, value=150_000, currency="MXN",
        install_begin_at=now - 90, referrer_click_at=0, user="ana \u00f1",
        idempotency_key="loan 77")
    wait_for_ids(shared, [answer["id"]])
    entry = next(e for e in stream_entries(shared.keys) if e["id"] == answer["id"])
    assert list(entry) == FIELDS
    assert entry.items() >= {
        "event": "first_loan", "proof": "verified", "code": "AB12CD", "click": token,
        "click_id": tokens.click_id(token), "happened_at": f"{now - 60}000",
        "install_begin_at": f"{now - 90}000", "referrer_click_at": "", "value": "150000",
        "currency": "MXN", "user": "ana \u00f1", "key": "loan 77", "reporter": "test-events",
        "version": "1"}.items()
    assert tokens.ulid_ms(entry["id"]) == int(entry["at"])


@pytest.mark.parametrize("report, field", [
    ({"code": "A"}, "event"),
    ({"event": "Install", "code": "A"}, "event"),
    ({"event": "not_listed", "code": "AB12CD"}, "event"),
    ({"event": "install"}, "click"),
    ({"event": "install", "click": "x" * 129}, "click"),
    ({"event": "install", "click": "a\nb"}, "click"),
    ({"event": "install", "code": "a/b"}, "code"),
    ({"event": "install", "code": "A", "at": "tomorrow"}, "at"),
    ({"event": "install", "code": "A", "at": 1}, "at"),
    ({"event": "install", "code": "A", "at": 4102444800}, "at"),
    ({"event": "install", "code": "A", "value": 5}, "currency"),
    ({"event": "install", "code": "A", "currency": "MXN"}, "value"),
    ({"event": "install", "code": "A", "value": -1, "currency": "MXN"}, "value"),
    ({"event": "install", "code": "A", "value": 1.5, "currency": "MXN"}, "value"),
    ({"event": "install", "code": "A", "value": 1, "currency": "PESO"}, "currency"),
    ({"event": "install", "code": "A", "value": 1, "currency": "ZZZ"}, "currency"),
    ({"event": "install", "code": "A", "install_begin_at": -1}, "install_begin_at"),
    ({"event": "install", "code": "A", "referrer_click_at": "x"}, "referrer_click_at"),
    ({"event": "install", "code": "A", "user": ""}, "user"),
    ({"event": "install", "code": "A", "idempotency_key": "ñ"}, "idempotency_key"),
    ({"event": "install", "code": "A", "extra": 1}, "extra"),
    ({"event": "install", "referrer": "utm_medium=organic"}, "referrer"),
    ([{"event": "install", "code": "A"}, {"event": "install"}], "1.click"),
    ([{"event": "install", "code": "A"}] * 1001, None),
    ([], None),
    (7, None),
])
def test_what_makes_no_sense_is_refused_by_its_name(shared, reporter, report, field):
    before = counted(shared, "taken_total")
    reporter.refused(422, field, report)
    assert counted(shared, "taken_total") == before


def test_what_is_no_json_is_refused(reporter):
    for body, status in ((b"{", 400), (b"", 400), (b'{"event":"install","event":"x"}', 400),
                         (b"[" * 100_000, 400), (b"\xff", 400)):
        assert reporter.ask("POST", "/v1/conversions", body)[0] == status
    assert reporter.ask("POST", "/v1/conversions", b"{}",
                        {"Content-Type": "text/plain"})[0] == 415
    assert reporter.ask("POST", "/v1/conversions?x=1", b"{}")[0] == 400
    assert reporter.ask("POST", "/v1/conversions", b" " * (1024 * 1024 + 1))[0] == 413


def test_events_of_a_campaigns_own(shared, reporter):
    shared.campaign("listed", events="card_first_use second_loan")
    shared.link("LISTED", campaign="listed")
    assert reporter.report("second_loan", code="LISTED")["status"] == "unverified"
    detail = reporter.refused(422, "event", {"event": "third_loan", "code": "LISTED"})
    assert "install, signup, first_loan" in detail and "events lists" in detail


def test_only_the_role_events_reports_and_does_nothing_else(shared, reporter):
    for role in ("read", "write"):
        status, _, body = Api(shared, role).ask("POST", "/v1/conversions",
                                                b'{"event":"install","code":"A"}')
        assert status == 403 and b"events" in body
    assert reporter.ask("GET", "/v1/links")[0] == 403
    assert reporter.ask("DELETE", "/v1/conversions")[0] == 405


@pytest.mark.short
def test_the_same_key_is_the_same_report(shared, reporter):
    before = counted(shared, "taken_total")
    report = {"event": "signup", "code": "AB12CD"}
    first = reporter.send(report, Idempotency_Key="once")
    again = reporter.send(report, Idempotency_Key="once")
    assert first[0] == again[0] == 202 and first[2] == again[2]
    reporter.refused(422, "idempotency_key", {**report, "event": "install"},
                     Idempotency_Key="once")
    reporter.refused(400, "Idempotency-Key", report, Idempotency_Key="x" * 129)
    assert counted(shared, "taken_total") == before + 1
    assert counted(shared, "answered_again_total") >= 1


def test_a_list_with_a_key_can_be_sent_again_and_grow(shared, reporter):
    reports = [{"event": "install", "code": f"C{i}"} for i in range(5)]
    status, _, first = reporter.send(reports, Idempotency_Key="list")
    assert status == 202
    assert reporter.send(reports, Idempotency_Key="list")[2] == first
    status, _, grown = reporter.send([*reports, {"event": "signup", "code": "C9"}],
                                     Idempotency_Key="list")
    assert status == 202 and grown[:5] == first and len(grown) == 6
    found = wait_for_ids(shared, [result["id"] for result in grown])
    assert len(found) == len(set(found))


def test_many_at_once_with_one_key_are_one(shared, reporter):
    before = counted(shared, "taken_total")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(
            lambda _: reporter.send({"event": "install", "code": "PARALLEL",
                                     "idempotency_key": "parallel"}), range(48)))
    assert {status for status, _, _ in answers} == {202}
    assert len({answer["id"] for _, _, answer in answers}) == 1
    assert counted(shared, "taken_total") == before + 1


def test_lists_that_want_each_others_keys_get_on(shared, reporter):
    """Each reserves some of what the other wants: neither may wait for the other for ever."""
    reports = [{"event": "install", "code": "CROSSED", "idempotency_key": f"crossed {i}"}
               for i in range(50)]
    before = counted(shared, "taken_total")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(reporter.send, [reports, reports[::-1]]))
    while any(status == 503 for status, _, _ in answers):
        answers = [reporter.send(reports), reporter.send(reports[::-1])]
    assert answers[0][2] == answers[1][2][::-1]
    assert counted(shared, "taken_total") == before + 50


def test_the_journal_can_be_read(shared, reporter):
    key = reporter.report(code="DUMPED")["id"]
    outcome = shared.brinco.cli("journal", "dump", "--conversions")
    assert outcome.returncode == 0, outcome.stderr
    dumped = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [line["sequence"] for line in dumped] == list(range(1, len(dumped) + 1))
    assert next(line for line in dumped if line["id"] == key)["code"] == "DUMPED"
    outcome = shared.brinco.cli("journal", "verify", "--conversions")
    assert outcome.returncode == 0 and "failures: 0" in outcome.stdout
    assert "open" in shared.brinco.cli("journal", "ls", "--conversions").stdout


# ---- what dies, or is away ----

class Stream:
    """Reports one after the other, until told to stop; remembers what was answered."""

    def __init__(self, reporter):
        self.ids = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(reporter,))

    def _run(self, reporter):
        while not self._stop.is_set():
            try:
                status, _, answer = reporter.send([{"event": "install", "code": "AB12CD"}] * 3)
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)  # nobody is there: it was killed
                continue
            if status == 202:
                self.ids += [result["id"] for result in answer]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


@pytest.mark.short
def test_kill_9_loses_nothing_that_was_answered(make_system):
    system = make_system()
    reporter = Reporter(system)
    ids = []
    for _ in range(6):
        with Stream(reporter) as stream:
            wait_for(lambda stream=stream: len(stream.ids) > 30)
            system.brinco.kill()
        ids += stream.ids
        system.brinco.start()
    system.brinco.ready()
    wait_for_ids(system, ids)
    assert len(ids) > 180


def test_kill_9_while_the_queue_refuses_loses_nothing_that_was_answered(make_system):
    """Redis answers, so reports are let in, and takes no entries: all wait in the journal."""
    system = make_system()
    reporter = Reporter(system)
    system.keys.config_set("maxmemory", "1")
    with Stream(reporter) as stream:
        wait_for(lambda: len(stream.ids) > 60)
        system.brinco.kill()
    assert stream_entries(system.keys) == []
    system.keys.config_set("maxmemory", "0")
    system.brinco.start().ready()
    wait_for_ids(system, stream.ids)


def test_an_answer_that_was_lost_with_the_process_can_be_asked_for(make_system):
    """The report is in the journal and its answer kept: the same again, after a kill."""
    system = make_system()
    reporter = Reporter(system)
    first = reporter.report(code="AB12CD", idempotency_key="k")
    system.brinco.kill()
    system.brinco.start().ready()
    assert reporter.report(code="AB12CD", idempotency_key="k") == first
    assert wait_for_ids(system, [first["id"]]) == [first["id"]]


def test_redis_away_is_a_503_and_nothing_is_lost(make_system):
    system = make_system(redis__timeout_ms=200)
    reporter = Reporter(system)
    ids = [reporter.report(code="AB12CD")["id"]]
    wait_for_ids(system, ids)
    for away, back in ((system.redis.freeze, system.redis.resume),
                       (system.redis.kill, system.redis.start)):
        away()
        status, headers, _ = reporter.send({"event": "install", "code": "AB12CD"})
        assert status == 503 and headers["Retry-After"]
        back()

        def is_taken():
            status, _, answer = reporter.send({"event": "install", "code": "AB12CD"})
            return answer["id"] if status == 202 else None

        ids.append(wait_for(is_taken, what="reports are taken again"))
        system.brinco.ready()
        wait_for_ids(system, ids)


def test_sigterm_ships_what_was_answered(make_system):
    system = make_system()
    with Stream(Reporter(system)) as stream:
        wait_for(lambda: len(stream.ids) > 60)
        system.brinco.stop()
    found = {entry["id"] for entry in stream_entries(system.keys)}
    assert set(stream.ids) <= found


def test_a_full_journal_refuses_and_says_so(make_system):
    """4 MiB is all it has; the queue takes nothing, so it fills up."""
    system = make_system(start=False, serve__roles="api", journal__max_mb=4)
    system.brinco.start(wait=False).ready()
    reporter = Reporter(system)
    system.keys.config_set("maxmemory", "1")
    reports = [{"event": "install", "code": "AB12CD", "user": "u" * 120, "click": "c" * 120,
                "at": int(time.time())}] * 1000
    ids = []
    for _ in range(40):
        status, headers, answer = reporter.send(reports)
        if status != 202:
            break
        ids += [result["id"] for result in answer]
    assert status == 503 and headers["Retry-After"] and "full" in answer["detail"]
    assert counted(system, "refused_total", reason="full") >= 1000
    assert len(ids) >= 1000
    readiness, text = system.brinco.readyz()
    assert readiness == 503 and '"conversions","ok":false' in text
    assert "event=conversions_refused" in system.brinco.log()
    system.keys.config_set("maxmemory", "0")
    wait_for(lambda: reporter.send({"event": "install", "code": "A"})[0] == 202,
             what="there is room again")
    found = wait_for_ids(system, ids)
    assert len(found) <= len(ids) + 1, "nothing of what was refused is there"


def test_damage_is_passed_over_and_told(make_system):
    system = make_system()
    reporter = Reporter(system)
    system.keys.config_set("maxmemory", "1")
    ids = [reporter.report(code=f"C{i}")["id"] for i in range(5)]
    system.brinco.kill()
    path = system.brinco.data / "conversions/00/00000001.log"
    third = Segment(path).records()[2]
    data = bytearray(path.read_bytes())
    data[third.offset + 40] ^= 0xFF
    path.write_bytes(data)
    system.keys.config_set("maxmemory", "0")
    system.brinco.start().ready()
    assert wait_for_ids(system, ids[:2] + ids[3:]) == ids[:2] + ids[3:]
    assert counted(system, "shipper_damaged_records_total") == 1
    outcome = system.brinco.cli("journal", "verify", "--conversions")
    assert outcome.returncode == 1 and "sequence 3" in outcome.stdout


# ---- roles ----

def test_a_process_with_the_api_alone_takes_reports(make_system):
    system = api_only(make_system)
    assert "event=conversions_without_secret" in system.brinco.log()
    assert not (system.brinco.data / "secret").exists()
    reporter = Reporter(system)
    ids = [result["id"] for result in reporter.send([{"event": "install", "code": "A"}] * 3)[2]]
    assert wait_for_ids(system, ids) == ids
    assert system.keys.smembers("brinco:conversion-streams") == {
        f"brinco:conversions:{system.brinco.edge_id()}:0"}
    assert not (system.brinco.data / "journal").exists()


def test_without_the_secret_codes_stay_as_reported_and_who_counts_verifies(make_system):
    system = make_system(serve__roles="edge collector api")
    token = ask_token(system)
    system.wait_shipped()
    other = Brinco(system.brinco.directory.parent / "api", system.redis.url, serve__roles="api")
    other.start(wait=False).ready()
    try:
        system.brinco.api_port = other.api_port
        reporter = Reporter(system)
        reports = [{"event": "install", "click": token, "code": "AB12CD"},
                   {"event": "signup", "referrer": f"utm_content=LONGER123&click={token}"},
                   {"event": "first_loan", "click": token, "code": "AB1"}]
        results = reporter.send(reports)[2]
        assert [result["status"] for result in results] == ["open"] * 3
        entries = wait_for(lambda: (found := system.keys.xrange("brinco:judged")) and
                           len(found) == 3 and found, what="three judged")
        assert {fields["event"]: (fields["status"], fields["code"]) for _, fields in entries} == {
            "install": ("verified", "AB12CD"), "signup": ("forged", "LONGER123"),
            "first_loan": ("forged", "AB1")}
    finally:
        other.close()


def test_an_edge_and_an_api_may_share_a_data_dir(make_system):
    system = make_system(start=False, serve__roles="edge")
    system.brinco.start()
    other = Brinco(system.brinco.directory, system.redis.url, serve__roles="api")
    other.stderr = system.brinco.directory / "api.log"
    other.start(wait=False).ready()
    try:
        assert "event=conversions_without_secret" not in other.log()
        system.brinco.api_port = other.api_port
        answer = Reporter(system).report(click=ask_token(system), code="AB12CD")
        assert answer["status"] == "verified"
        wait_for_ids(system, [answer["id"]])
    finally:
        other.close()


def test_a_second_api_on_the_same_data_dir_says_that_it_takes_no_reports(make_system):
    system = make_system()
    other = Brinco(system.brinco.directory, system.redis.url, serve__roles="api")
    other.stderr = system.brinco.directory / "api.log"
    other.start(wait=False)
    try:
        wait_for(lambda: "event=started" in other.log())
        reporter = Reporter(system)
        assert reporter.report(code="AB12CD")["status"] == "unverified"
        reporter.port = other.api_port
        status, headers, problem = reporter.send({"event": "install", "code": "AB12CD"})
        assert status == 503 and headers["Retry-After"] and "data.dir" in problem["detail"]
        assert other.log().count("event=conversions_unavailable") == 1
        status, text = other.readyz()
        assert status == 503 and '"conversions","ok":false' in text
        assert reporter.ask("GET", "/v1/links")[0] == 403, "the rest of the API is there"
    finally:
        other.close()
