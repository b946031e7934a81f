"""Every log line's fields, as they stand in the source: what base/log.h asks of them.

A field that is malformed ends the process when it is logged, and many lines are logged only on a
bad day. So all of them are looked at here.
"""

import re

import c_text
from tree import assert_none, files, name

CALL = re.compile(r'\blog_event\(\s*[^,"]+,\s*[^,"]+,\s*(?P<event>[^,]+?),\s*'
                  r'(?P<fields>NULL|(?:"(?:[^"\\]|\\.)*"|PRI[uidx]\w+|\s)+)\s*[,)]')
FIELD = re.compile(r"[a-z][a-z0-9_]*=(%(0?\d+)?(\.\*)?(l|ll|z|h)?[sdiuxfg]|[^%\s])+")
EVENT = re.compile(r'"[a-z][a-z0-9_]*"')


def calls(path):
    """Line, event (as written) and fields (strings joined; None when there are none)."""
    text = c_text.without_comments(path.read_text(encoding="utf-8"))
    for found in re.finditer(r"\blog_event\(", text):
        line = text.count("\n", 0, found.start()) + 1
        call = CALL.match(text, found.start())
        if call is None:
            yield line, None, None
            continue
        fields = None
        if call["fields"] != "NULL":
            parts = re.findall(r'"((?:[^"\\]|\\.)*)"|(PRI\w+)', call["fields"])
            fields = "".join(literal if not macro else "l" + macro[3] for literal, macro in parts)
        yield line, call["event"], fields


def test_fields_are_pairs_that_the_log_can_write():
    wrong = []
    for path in files("src/**/*.c"):
        if name(path) == "src/base/log.c":
            continue
        for line, event, fields in calls(path):
            if event is None:
                wrong.append(f"{name(path)}:{line}: the fields are no plain string")
            elif event.startswith('"') and not EVENT.fullmatch(event):
                wrong.append(f"{name(path)}:{line}: {event} is no event's name")
            elif fields is not None:
                wrong += [f"{name(path)}:{line}: {pair!r} is no key=value"
                          for pair in fields.split(" ") if not FIELD.fullmatch(pair)]
    assert_none(wrong)


def test_the_reader_of_this_check_finds_the_calls():
    """Or it would be content with anything."""
    found = sum(1 for path in files("src/**/*.c") for _ in calls(path))
    assert found > 20
