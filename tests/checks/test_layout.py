"""Who may include what. CMake keeps the rooms apart; this keeps third parties in their rooms."""

import re

from tree import ROOT, assert_none, files, lines, name

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')

# A third party's headers, and the only places that may include them.
THIRD_PARTIES = {
    r"event2?/|evhttp|evdns|event\.h": r"^src/(net|redis|api)/",
    r"hiredis/": r"^src/redis/",
    r"maxminddb": r"^src/decide/geo\w*\.[ch]$",
    r"librdkafka/": r"^src/click/queue_kafka\w*\.[ch]$",
    r"ini\.h": r"^src/conf/",
    r"jansson": r"^src/(base|link|credit|edge|api|cmd)/",
    r"openssl/": r"^src/(click|credit|edge|api)/",
    r"sodium": r"^src/(base|decide)/",
    r"xxhash|xxh3": r"^src/base/",
    r"curl/": r"^src/credit/webhook\w*\.[ch]$",
    r"png\.h|qrencode": r"^src/edge/qr\w*\.[ch]$",
    r"jemalloc/": r"^src/(main\.c|cmd/|api/)",
}


def includes(path):
    for number, line in enumerate(lines(path), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def test_third_parties_stay_in_their_rooms():
    wrong = []
    for path in files("src/**/*.[ch]", "include/**/*.h"):
        for number, _, header in includes(path):
            for pattern, allowed in THIRD_PARTIES.items():
                if re.match(pattern, header) and not re.match(allowed, name(path)):
                    wrong.append(f"{name(path)}:{number}: {header}")
    assert_none(wrong)


def test_public_headers_include_only_the_c_library_and_our_own():
    """POSIX types are the C library's; everything with a folder in angle brackets is not."""
    wrong = []
    for path in files("include/**/*.h"):
        for number, bracket, header in includes(path):
            ours = bracket == '"' and (ROOT / "include" / header).exists()
            c_library = bracket == "<" and re.match(r"(sys/|netinet/|arpa/)?[a-z]+\.h$", header)
            if not ours and not c_library:
                wrong.append(f"{name(path)}:{number}: {header}")
    assert_none(wrong)


def test_a_source_includes_its_own_header_first():
    wrong = []
    for path in files("src/*/*.c"):
        room = path.parent.name
        own = [f"{room}/{path.stem}.h", f"{path.stem}.h"]
        exists = [(ROOT / "include" / own[0]).exists(), (path.parent / own[1]).exists()]
        if not any(exists):
            continue
        first = next((header for _, _, header in includes(path)), None)
        if first not in own:
            wrong.append(f"{name(path)}: includes {first} first")
    assert_none(wrong)


def test_every_header_is_guarded_by_its_name():
    wrong = []
    for path in files("include/**/*.h", "src/**/*.h"):
        text = path.read_text(encoding="utf-8")
        guards = [f"{path.parent.name}_{path.stem}_H".upper()]
        if name(path).startswith("src/"):  # private to its room, which may go without saying
            guards.append(f"{path.stem}_H".upper())
        if not any(f"#ifndef {guard}\n#define {guard}\n" in text for guard in guards):
            wrong.append(f"{name(path)}: {guards[0]} expected")
    assert_none(wrong)


def test_unit_tests_mirror_the_rooms():
    wrong = []
    for path in files("tests/unit/*/test_*.c"):
        if not (ROOT / "src" / path.parent.name).is_dir():
            wrong.append(f"{name(path)}: there is no room {path.parent.name}")
    assert_none(wrong)


def test_every_fuzz_target_has_a_corpus():
    without = [name(path) for path in files("tests/fuzz/fuzz_*.c")
               if not any((ROOT / "tests/fuzz/corpus" / path.stem).glob("*"))]
    assert_none(without)
