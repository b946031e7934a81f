"""What the documents say is there, is there."""

import re

import pytest

from tree import ROOT, assert_none, files, lines, name

DOCUMENTS = files("*.md", "docs/*.md", "bench/*.md")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"(?<![\w/])((?:scripts|tests|docs|src|include|deploy|conf|bench)/[\w./-]*\w)")
COMMAND = re.compile(r"(?:^|[\s`/])brinco ((?:[a-z]+)(?: (?:set|get|list|pause|resume|delete|import"
                     r"|ls|dump|verify))?)\b", re.MULTILINE)


def heading_anchors(path):
    """As GitHub makes them of headings."""
    for line in lines(path):
        if line.startswith("#"):
            text = line.lstrip("#").strip().lower()
            yield re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def code_of(text):
    """Code blocks and `code` of a document."""
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL)
    return "\n".join(blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text,
                                                                 flags=re.DOTALL)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path):
    broken = []
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file_part, _, anchor = target.partition("#")
        there = (path.parent / file_part).resolve() if file_part else path
        if not there.exists():
            broken.append(target)
        elif anchor and anchor not in heading_anchors(there):
            broken.append(target)
    assert_none(broken)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_files_that_are_named_exist(path):
    named = set(SCRIPT.findall(code_of(path.read_text(encoding="utf-8"))))
    missing = sorted(text for text in named
                     if not any(ROOT.glob(text)) and not any(ROOT.glob(text + ".*")))
    assert_none(missing)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_commands_that_are_shown_exist(path, program):
    commands = set(COMMAND.findall(code_of(path.read_text(encoding="utf-8"))))
    unknown = []
    for command in sorted(commands):
        outcome = program(*command.split(), "--help")
        if outcome.returncode != 0 or "sage" not in outcome.stdout:
            unknown.append(f"brinco {command}")
    assert_none(unknown)


def test_the_readme_is_there_and_names_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "scripts/run" in text
    assert "scripts/test" in text


def test_the_configuration_file_is_what_the_key_table_says(program):
    outcome = program("config", "--defaults")
    assert outcome.returncode == 0, outcome.stderr
    assert (ROOT / "conf/brinco.conf").read_text(encoding="utf-8") == outcome.stdout, (
        "conf/brinco.conf is stale: build/brinco config --defaults > conf/brinco.conf")


def test_every_dependency_is_documented():
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").lower()
    modules = re.findall(r"pkg_check_modules\((\w+)", (ROOT / "cmake/rooms.cmake").read_text())
    words = {"CRYPTO": "libcrypto", "RDKAFKA": "librdkafka"}
    assert [m for m in modules if words.get(m, m.lower()) not in text] == []
