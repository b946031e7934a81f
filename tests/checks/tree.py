"""The tree as the checks see it: the files in it that are written by hand."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(*patterns):
    """Files that match any of these patterns below the root, in a stable order."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def name(path):
    return str(path.relative_to(ROOT))


def lines(path):
    return path.read_text(encoding="utf-8").split("\n")


def c_sources():
    return files("src/**/*.c", "src/**/*.h", "include/**/*.h", "tests/**/*.c", "tests/**/*.h",
                 "bench/*.c", "bench/*.h")


def assert_none(complaints):
    """All of them are shown, each on a line of its own."""
    complaints = list(complaints)
    assert not complaints, "\n".join(["", *complaints])
