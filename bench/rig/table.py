"""Tables: what a suite found, for people and for machines."""

import dataclasses
import numbers


@dataclasses.dataclass
class Table:
    """rows: dicts by column; a column that a row lacks stays empty. The first column names the row.

    goals say what is wanted, gates what must not be passed (bench/run then fails). Both are dicts:
    a column, or (row's name, column), to a limit: a number that the value may reach from below, or
    (">=", number) that it must reach."""

    title: str
    columns: list
    rows: list
    notes: list = dataclasses.field(default_factory=list)
    goals: dict = dataclasses.field(default_factory=dict)
    gates: dict = dataclasses.field(default_factory=dict)

    def verdicts(self, limits):
        """(row's name, column, value, relation, limit, is kept) of each limit and row."""
        for key, limit in limits.items():
            wanted, column = key if isinstance(key, tuple) else (None, key)
            relation, bound = limit if isinstance(limit, tuple) else ("<=", limit)
            for row in self.rows:
                name, value = row.get(self.columns[0]), row.get(column)
                if wanted in (None, name) and isinstance(value, numbers.Real):
                    kept = value >= bound if relation == ">=" else value <= bound
                    yield name, column, value, relation, bound, kept

    def passed_gates(self):
        """A sentence for each gate that does not hold. A gate on what was not measured does not
        hold either."""
        wrong = [f"{self.title}: {name}: {column} is {show(value)}, must be {relation} "
                 f"{show(bound)}"
                 for name, column, value, relation, bound, kept in self.verdicts(self.gates)
                 if not kept]
        for key in self.gates:
            if not list(self.verdicts({key: self.gates[key]})):
                wrong.append(f"{self.title}: {key} was not measured")
        return wrong

    def text(self):
        marks = {}
        for name, column, _, relation, bound, kept in self.verdicts(self.goals):
            word = "ok" if kept else "MISSED"
            marks[name, column] = f" {word} ({'≥' if relation == '>=' else '≤'} {show(bound)})"
        cells = [list(self.columns)]
        for row in self.rows:
            name = row.get(self.columns[0])
            cells.append([show(row.get(column)) + marks.get((name, column), "")
                          for column in self.columns])
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = [self.title, ""]
        for line in cells:
            lines.append("  " + "  ".join(
                text.ljust(width) if at == 0 or _is_words(cells, at) else text.rjust(width)
                for at, (text, width) in enumerate(zip(line, widths))).rstrip())
        lines.insert(3, "  " + "  ".join("-" * width for width in widths))
        return "\n".join(lines + [""] * bool(self.notes) + [f"  {note}" for note in self.notes])

    def for_json(self):
        def limits(of):
            return [dict(zip(("row", "column", "value", "relation", "limit", "ok"), verdict))
                    for verdict in self.verdicts(of)]

        return {"title": self.title, "columns": self.columns, "rows": self.rows,
                "notes": self.notes, "goals": limits(self.goals), "gates": limits(self.gates)}


def _is_words(cells, at):
    return not any(text[:1].isdigit() or text[:1] == "-" for text in
                   (line[at] for line in cells[1:]))


def show(value):
    """Three digits of a fraction, thousands with commas, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value)
    if isinstance(value, numbers.Integral) or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
