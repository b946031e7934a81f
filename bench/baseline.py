"""bench/baseline.json: how many instructions a redirect took when somebody last looked.

  bench/run --only instructions                              compares, and fails on growth
  bench/run --only instructions --update-baseline "why"      writes what was counted now

The file is small and is committed: what a hop costs changes on purpose or not at all. `rows` are
the rows of the suite's table, each with what it took by function (the larger ones), so that a
failure can say what grew. Growth of up to GROWTH_MAX is let pass. Counts of another compiler or
library are compared, and it is said; those of another processor cannot be (counting.py).
"""

import datetime
import json
import pathlib

PATH = pathlib.Path(__file__).resolve().parent / "baseline.json"
GROWTH_MAX = 0.05
FUNCTIONS = 40        # kept of each row
GROWN_SHOWN = 10
UPDATE = 'bench/run --only instructions --update-baseline "why it may cost that"'


class Unusable(Exception):
    """The baseline cannot be compared with; the text says why, and what to do."""


def load(path=PATH):
    try:
        found = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable(f"there is no {path}; make one: {UPDATE}") from None
    except ValueError as error:
        raise Unusable(f"{path} is no JSON ({error}); git restore it, or make it again: "
                       f"{UPDATE}") from None
    if not _is_baseline(found):
        raise Unusable(f"{path} does not have what it should; git restore it, or make it again: "
                       f"{UPDATE}")
    return found


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _is_baseline(found):
    return (isinstance(found, dict) and isinstance(found.get("rows"), dict) and found["rows"]
            and isinstance(found.get("versions"), dict) and isinstance(found.get("why"), str)
            and isinstance(found.get("date"), str) and isinstance(found.get("processor"), str)
            and all(isinstance(row, dict) and _is_number(row.get("instructions"))
                    and row["instructions"] > 0 and isinstance(row.get("functions"), dict)
                    and all(map(_is_number, row["functions"].values()))
                    for row in found["rows"].values()))


def save(counted, why, path=PATH):
    """counted: as measured() makes it."""
    if not why.strip():
        raise Unusable("an update must say why: " + UPDATE)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    text = json.dumps({"why": why.strip(), "date": today, **counted}, indent=2)
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


def measured(rows, processor, versions):
    """rows: name to (instructions, {function: instructions})."""
    return {"processor": processor, "versions": versions,
            "rows": {name: {"instructions": round(total, 1),
                            "functions": {function: round(value, 1) for function, value in
                                          sorted(functions.items(), key=lambda item: -item[1])
                                          [:FUNCTIONS]}}
                     for name, (total, functions) in rows.items()}}


def compare(counted, before):
    """(sentences that fail the run, sentences that are only worth saying)."""
    if counted["processor"] != before["processor"]:
        return [], [f"NOT COMPARED with the baseline: it was counted on {before['processor']}, "
                    f"this is {counted['processor']}, and libraries choose other code there"]
    wrong, notes = [], []
    for name, was in before["rows"].items():
        now = counted["rows"].get(name)
        if now is None:
            wrong.append(f"{name}: in the baseline of {before['date']} and not counted now; if it "
                         f"is no row any more: {UPDATE}")
            continue
        growth = now["instructions"] / was["instructions"] - 1
        if growth > GROWTH_MAX:
            wrong.append(_complaint(name, now, was, before))
        elif growth < -GROWTH_MAX:
            notes.append(f"{name}: {-growth:.1%} less than the baseline's "
                         f"{was['instructions']:,.0f}; keep that: {UPDATE}")
    if counted["versions"] != before["versions"]:
        notes.append("the baseline was counted with other versions: " + "; ".join(
            f"{what} {before['versions'].get(what)}, now {counted['versions'].get(what)}"
            for what in sorted({*counted["versions"], *before["versions"]})
            if counted["versions"].get(what) != before["versions"].get(what)))
    return wrong, notes


def _complaint(name, now, was, before):
    functions = {*now["functions"], *was["functions"]}
    grown = sorted(((now["functions"].get(function, 0) - was["functions"].get(function, 0),
                     function) for function in functions), reverse=True)
    lines = [f"{name}: {now['instructions']:,.0f} instructions, "
             f"{now['instructions'] / was['instructions'] - 1:.1%} more than the "
             f"{was['instructions']:,.0f} of {before['date']} (\"{before['why']}\"); "
             f"{GROWTH_MAX:.0%} are let pass", "  what grew:"]
    lines += [f"    {more:+8.1f}  {function}" for more, function in grown[:GROWN_SHOWN]
              if more >= 1]
    lines.append(f"  Make it cheaper; or, if it is worth its price: {UPDATE}")
    return "\n".join(lines)
