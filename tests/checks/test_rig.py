"""bench/rig: what its tables say and refuse, and that what it starts ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tree import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from rig import Bench, Failure, Process, Table, head_of, load, rounds  # noqa: E402
from rig import PHONE, SMALL  # noqa: E402

WRK = """Running 1s test @ http://127.0.0.1:10000/AB12CD
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   374.00us  100.00us  22.34ms   90.00%
  Latency Distribution
     50%  374.00us
     75%  500.00us
     90%    1.20ms
     99%   22.34ms
  237746 requests in 2.10s, 88.00MB read
{wrong}Requests/sec: 113165.39
Transfer/sec:     42.00MB
"""


@pytest.fixture(name="bench")
def one_bench():
    with Bench(build="nowhere") as bench:
        yield bench


def table(**more):
    return Table("Costs", ["server", "us", "taps"],
                 [{"server": "floor", "us": 4.0, "taps": 250_000}, {"server": "brinco", "us": 5.5}],
                 **more)


def test_a_table_shows_goals_beside_their_values():
    text = table(goals={("brinco", "us"): 5, "taps": (">=", 200_000)}, notes=["So it is."]).text()
    rows = {line.split()[0]: line.split()[1:] for line in text.split("\n") if line.strip()}
    assert rows["brinco"] == ["5.50", "MISSED", "(≤", "5)"]
    assert rows["floor"] == ["4.00", "250,000", "ok", "(≥", "200,000)"]
    assert rows["So"] == ["it", "is."]


def test_a_gate_fails_when_it_is_passed_and_when_nothing_was_measured():
    assert table(gates={("brinco", "us"): 5.5}).passed_gates() == []
    assert table(gates={("brinco", "us"): 5.4}).passed_gates() == [
        "Costs: brinco: us is 5.50, must be <= 5.40"]
    assert "was not measured" in table(gates={("brinco", "taps"): 1}).passed_gates()[0]


def test_goals_and_gates_are_in_json():
    found = table(goals={("brinco", "us"): 5}).for_json()["goals"]
    assert found == [{"row": "brinco", "column": "us", "value": 5.5, "relation": "<=", "limit": 5,
                      "ok": False}]


def test_what_wrk_says_is_understood():
    found = load._understand(WRK.format(wrong=""), cpu_ns=7)
    assert found == (237746, 2.1, 113165.39, 374.0, 22340.0, 7)


@pytest.mark.parametrize("wrong", [
    "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
    "  Non-2xx or 3xx responses: 1\n"])
def test_one_answer_that_is_no_redirect_fails_the_run(wrong):
    with pytest.raises(Failure, match="not every request was redirected"):
        load._understand(WRK.format(wrong=wrong), cpu_ns=7)


def test_heads_are_what_they_are_said_to_be():
    assert len(PHONE) == 14
    assert 580 <= len(head_of("/AB12CD", PHONE)) <= 640
    assert head_of("/AB12CD", SMALL).startswith(b"GET /AB12CD HTTP/1.1\r\nHost: ")
    assert head_of("/AB12CD").endswith(b"\r\n\r\n")


def sample(us, waited_s=0.0):
    return rounds.Sample(requests=1000, seconds=1.0, user_ns=0, system_ns=us * 1_000_000,
                         load_ns=0, waited_ns=int(waited_s * 1e9), sleeps=0, p99_us=1.0)


def test_ratios_are_made_within_a_round_and_medians_over_rounds():
    rows = rounds.rows_of({"floor": [sample(4), sample(8), sample(4)],
                           "brinco": [sample(5), sample(8), sample(6)]}, "floor")
    assert [row["x floor"] for row in rows] == [1.0, 1.25]
    assert (rows[1]["from"], rows[1]["to"], rows[1]["CPU us"]) == (1.0, 1.5, 6.0)


def test_a_disturbed_server_is_not_judged():
    calm = {"floor": [sample(4)], "brinco": [sample(5)]}
    busy = {"floor": [sample(4, waited_s=0.5)], "brinco": [sample(5)]}
    goals = {("brinco", "x floor"): 1.2}
    assert rounds.goals_of(calm, calm, goals) == goals
    assert rounds.goals_of(busy, busy, goals) == {}
    assert any("DISTURBED" in note for note in rounds.notes_of(busy))


def test_a_childs_processor_time_is_its_childrens_too(bench):
    spin = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    child = Process(bench, [sys.executable, "-c", textwrap.dedent(f"""
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", {spin + chr(10) + "time.sleep(60)"!r}])
        time.sleep(60)""")], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while child.cpu_ns().total < 200_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(child.family()) == 2
    assert child.end() == -signal.SIGTERM


def test_children_end_when_the_benchmark_is_killed(tmp_path):
    """PR_SET_PDEATHSIG; nobody is left to do it."""
    code = textwrap.dedent(f"""
        import sys, os
        sys.path.insert(0, {str(ROOT / "bench")!r})
        from rig import Bench, Process
        bench = Bench(build="nowhere")
        os.rmdir(bench.work)
        print(Process(bench, ["sleep", "60"]).pid, flush=True)
        os.kill(os.getpid(), 9)""")
    outcome = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True,
                             cwd=tmp_path, check=False)
    pid = int(outcome.stdout)
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_bench_run_lists_its_suites():
    outcome = subprocess.run([ROOT / "bench/run", "--list"], capture_output=True, text=True,
                             check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert outcome.returncode == 0, outcome.stderr
    listed = [line.split()[0] for line in outcome.stdout.splitlines()]
    assert listed == [name for name in ("hop", "misses", "growth", "latency", "memory", "outage",
                                        "parts", "instructions", "shipper") if name in listed]
    assert {"hop", "misses"} <= set(listed)


def test_an_unknown_suite_is_named():
    outcome = subprocess.run([ROOT / "bench/run", "--only", "hopp"], capture_output=True,
                             text=True, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("bench/run: there is no suite hopp: hop, ")
