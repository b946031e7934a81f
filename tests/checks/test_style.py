"""The rules of the house that a machine can check."""

import ast
import re
import subprocess

import pytest

import c_text
from tree import ROOT, assert_none, c_sources, files, lines, name

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5
COLUMNS_MAX = 100

# clang-format is told to leave these tables alone: they are wider, so that a row is a line.
WIDE_TABLES = re.compile(r"clang-format off")

PYTHON = ("tests/**/*.py", "scripts/**/*.py", "bench/**/*.py", "bench/run", "bench/collect")
SCRIPTS = ("scripts/*", ".ci/*", "bench/setup")


def written_files():
    return c_sources() + files(*PYTHON, *SCRIPTS, "tests/tools/*", "cmake/*", "deploy/*",
                               "bench/peers/*", "CMakeLists.txt", "*/CMakeLists.txt", "docker-compose.yml")


def complaints_of(check, paths):
    return [complaint for path in paths for complaint in check(path)]


def test_no_file_is_longer_than_a_reader_can_hold():
    def check(path):
        count = len(lines(path)) - 1
        return [f"{name(path)}: {count} lines"] if count > FILE_LINES_MAX else []

    assert_none(complaints_of(check, written_files()))


def test_no_c_function_is_too_long_or_takes_too_much():
    def check(path):
        for function in c_text.functions(lines(path)):
            where = f"{name(path)}:{function.first_line}: {function.name}"
            if function.line_count > FUNCTION_LINES_MAX:
                yield f"{where} has {function.line_count} lines"
            if function.parameters > PARAMETERS_MAX:
                yield f"{where} takes {function.parameters} parameters"

    assert_none(complaints_of(check, c_sources()))


def test_no_python_function_is_too_long():
    def check(path):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                count = node.end_lineno - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    yield f"{name(path)}:{node.lineno}: {node.name} has {count} lines"

    assert_none(complaints_of(check, files(*PYTHON)))


def test_no_line_is_wider_than_the_page():
    def check(path):
        text = lines(path)
        if any(WIDE_TABLES.search(line) for line in text):
            return
        for number, line in enumerate(text, 1):
            if len(line) > COLUMNS_MAX and "http" not in line:
                yield f"{name(path)}:{number}: {len(line)} columns"

    assert_none(complaints_of(check, c_sources() + files(*PYTHON)))


def test_every_file_begins_with_what_it_is():
    """C: an essay that names the file, in tests at least a comment. Scripts: a comment below the
    #!. Python: a docstring."""
    def check(path):
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".c", ".h") and name(path).startswith("tests/"):
            good = text.startswith("/*")
        elif path.suffix in (".c", ".h"):
            good = re.match(r"/\*\n \* (\S+/)?" + re.escape(path.name) + " - ", text)
        elif path.suffix == ".py" or text.startswith("#!/usr/bin/python3\n"):
            good = ast.get_docstring(ast.parse(text)) is not None
        else:
            good = re.match(r"#!\S+.*\n#\n# \S+", text)
        return [] if good else [f"{name(path)}: no essay at its head"]

    assert_none(complaints_of(check, c_sources() + files(*PYTHON, *SCRIPTS)))


def test_nothing_is_left_for_later():
    words = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"])
                       + r")\b")

    def check(path):
        for number, line in enumerate(lines(path), 1):
            if words.search(line):
                yield f"{name(path)}:{number}: {line.strip()}"

    assert_none(complaints_of(check, written_files() + files("*.md", "docs/*.md", "conf/*")))


def test_structs_have_no_second_name():
    def check(path):
        code = c_text.without_comments(path.read_text(encoding="utf-8"))
        return [f"{name(path)}: {found}" for found in re.findall(r"typedef (?:struct|enum)\b.*",
                                                                 code)]

    assert_none(complaints_of(check, c_sources()))


def test_there_are_no_mutable_globals():
    """A definition in the first column that is neither const nor a function."""
    definition = re.compile(r"^(?:static )?(?!const\b|extern\b|typedef\b|return\b|enum \w+ \{|"
                            r"struct \w+ \{|union\b|struct \w+;|enum\b)"
                            r"[A-Za-z_][\w *]*\w(?:\[[^]]*\])*(?: = .*|;)$")

    def check(path):
        code = c_text.without_comments(path.read_text(encoding="utf-8"))
        for number, line in enumerate(code.split("\n"), 1):
            if definition.match(line) and "const" not in line:
                yield f"{name(path)}:{number}: {line}"

    product = [path for path in c_sources() if not name(path).startswith("tests/")]
    assert_none(complaints_of(check, product))


def test_c_is_laid_out_by_clang_format():
    outcome = subprocess.run(["clang-format", "--dry-run", "-Werror", *c_sources()],
                             cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr[:4000]


@pytest.mark.parametrize("path", files(*SCRIPTS), ids=name)
def test_scripts_are_clean_and_careful(path):
    outcome = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout
    assert "\nset -euo pipefail\n" in path.read_text(encoding="utf-8")
