"""The gate on instructions: what passes bench/baseline.py, and what a failure tells."""

import json
import sys

import pytest

from tree import ROOT

sys.path.append(str(ROOT / "bench"))

import baseline  # noqa: E402  (the path comes first)
import callgrind  # noqa: E402

VERSIONS = {"compiler": "gcc 12.2.0", "C library": "glibc 2.36"}
ROW = "cached redirect"


def counted(total=3000, processor="x86-64 avx2", versions=None, **functions):
    return baseline.measured({ROW: (total, {"parse": total / 3, **functions})}, processor,
                             versions or VERSIONS)


@pytest.fixture
def before(tmp_path):
    """A baseline of 3,000 instructions, as it is written and read."""
    path = tmp_path / "baseline.json"
    baseline.save(counted(), "the first", path)
    return baseline.load(path)


def test_growth_of_four_percent_passes(before):
    assert baseline.compare(counted(3120), before) == ([], [])


def test_growth_of_six_percent_fails_and_says_what_grew_and_what_to_do(before):
    wrong, _ = baseline.compare(counted(3180, render=150), before)
    assert len(wrong) == 1
    assert "cached redirect: 3,180 instructions, 6.0% more than the 3,000" in wrong[0]
    assert '("the first")' in wrong[0]
    assert wrong[0].index("+150.0  render") < wrong[0].index("+60.0  parse")
    assert baseline.UPDATE in wrong[0]


def test_what_got_cheaper_passes_and_is_told(before):
    wrong, notes = baseline.compare(counted(2700), before)
    assert wrong == [] and "10.0% less" in notes[0]


def test_a_row_that_is_not_counted_any_more_fails(before):
    other = baseline.measured({"another": (1, {})}, "x86-64 avx2", VERSIONS)
    wrong, _ = baseline.compare(other, before)
    assert len(wrong) == 1 and "not counted now" in wrong[0]


def test_another_compiler_is_compared_and_named(before):
    wrong, notes = baseline.compare(
        counted(3180, versions={**VERSIONS, "compiler": "gcc 14.1.0"}), before)
    assert len(wrong) == 1
    assert notes == ["the baseline was counted with other versions: "
                     "compiler gcc 12.2.0, now gcc 14.1.0"]


def test_another_processor_is_not_compared_and_that_is_said(before):
    wrong, notes = baseline.compare(counted(9000, processor="x86-64 sse4.2"), before)
    assert wrong == [] and notes[0].startswith("NOT COMPARED")
    assert "x86-64 avx2" in notes[0] and "x86-64 sse4.2" in notes[0]


def test_a_missing_baseline_is_refused_with_advice(tmp_path):
    with pytest.raises(baseline.Unusable) as refused:
        baseline.load(tmp_path / "none.json")
    assert "none.json" in str(refused.value) and baseline.UPDATE in str(refused.value)


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", "{}", '{"rows": {}}', "\xff",
    json.dumps({"why": "", "date": "", "processor": "", "versions": {}, "rows": {}}),
    json.dumps({"why": "", "date": "", "processor": "", "versions": {}, "rows": {ROW: 3000}}),
    json.dumps({"why": "", "date": "", "processor": "", "versions": {},
                "rows": {ROW: {"instructions": 0, "functions": {}}}}),
    json.dumps({"why": "", "date": "", "processor": "", "versions": {},
                "rows": {ROW: {"instructions": True, "functions": {}}}}),
    json.dumps({"why": "", "date": "", "processor": "", "versions": {},
                "rows": {ROW: {"instructions": 1, "functions": {"parse": "1"}}}}),
    json.dumps({"why": "", "date": "", "processor": 1, "versions": {},
                "rows": {ROW: {"instructions": 1, "functions": {}}}}),
])
def test_a_baseline_that_is_none_is_refused_with_advice(tmp_path, text):
    path = tmp_path / "baseline.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(baseline.Unusable) as refused:
        baseline.load(path)
    assert str(path) in str(refused.value) and baseline.UPDATE in str(refused.value)


def test_an_update_must_say_why(tmp_path):
    path = tmp_path / "baseline.json"
    for why in ("", " \n"):
        with pytest.raises(baseline.Unusable):
            baseline.save(counted(), why, path)
    assert not path.exists()


def test_the_committed_baseline_is_one():
    found = baseline.load()
    assert found["why"] and found["rows"][ROW]["instructions"] > 0


CALLGRIND = """\
# callgrind format
events: Ir
fl=(1) /there/src/http/parse.c
ob=(1) /there/brinco
fn=(1) parse
10 5
+2 7
fi=(2) /there/include/base/slice.h
3 11
fe=(1)
* 2
cfn=(2) render.constprop.0'2
cob=(2) /usr/lib/libc.so.6
calls=3 20
12 1000
13 1
ob=(2)
fl=(3) ???
fn=(3) __memcpy_avx_unaligned_erms
0 40
fn=(4) 0x0000000000001a50
0 4
ob=(1)
fl=(4) /usr/include/xxhash.h
fn=(5) hash
1 9
totals: 79
"""


def test_a_file_of_callgrind_is_read(tmp_path):
    path = tmp_path / "out"
    path.write_text(CALLGRIND, encoding="utf-8")
    counts = callgrind.read(path)
    assert counts.functions == {"parse": 26, "__memcpy_avx_unaligned_erms": 40, "hash": 9,
                                "(libc.so.6)": 4}
    assert counts.groups == {"http": 15, "base": 11, "C library and system calls": 44, "xxhash": 9}
    assert counts.calls == {"render": 3}
    assert counts.total == 79


def test_what_two_runs_differ_in(tmp_path):
    path = tmp_path / "out"
    path.write_text(CALLGRIND, encoding="utf-8")
    before = callgrind.read(path)
    path.write_text(CALLGRIND.replace("10 5", "10 105"), encoding="utf-8")
    less = callgrind.read(path).minus(before)
    assert less.total == 100
    assert less.per(10) == ({"parse": 10.0}, {"http": 10.0})
