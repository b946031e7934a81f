"""What callgrind's files say (https://valgrind.org/docs/manual/cl-format.html)."""

import collections
import pathlib
import re

# Beyond our own rooms: which file of the process is what.
OBJECTS = (("libevent", "libevent"), ("libcrypto", "libcrypto"), ("libsodium", "libsodium"),
           ("libmaxminddb", "libmaxminddb"), ("libhiredis", "libhiredis"),
           ("libjemalloc", "libjemalloc"), ("libc.so", "C library and system calls"),
           ("libm.so", "C library and system calls"), ("ld-linux", "C library and system calls"))


class Counts:
    """What one thread executed: instructions by function and by room or library, and how often
    functions were called."""

    def __init__(self):
        self.functions, self.groups, self.calls = (collections.Counter() for _ in range(3))

    @property
    def total(self):
        return sum(self.groups.values())

    def minus(self, other):
        """What was executed beyond that of another run."""
        less = Counts()
        for mine, theirs, result in zip(self._all(), other._all(), less._all()):
            result.update(mine)
            result.subtract(theirs)
        return less

    def per(self, count):
        """Function to instructions, and group to instructions, of each of count operations."""
        return tuple({name: value / count for name, value in counter.most_common() if value}
                     for counter in (self.functions, self.groups))

    def _all(self):
        return self.functions, self.groups, self.calls


def threads(out):
    """The counts of each thread of a program that ran with --separate-threads=yes."""
    out = pathlib.Path(out)
    return [read(path) for path in sorted(out.parent.glob(out.name + "-*"))]


def read(path):
    """One file. The line behind calls= is what the callee took: it is counted there, not here."""
    counts, names = Counts(), {}
    where = {"ob": "", "cob": "", "fl": "", "fi": "", "fn": "", "cfn": ""}
    is_callee = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, equals, value = line.rstrip("\n").partition("=")
            if equals and key in ("ob", "fl", "fi", "fe", "fn", "cfn", "cob", "cfi", "cfl"):
                kind = "fl" if key in ("fi", "fe", "cfi", "cfl") else key[-2:]
                name = _expand(names.setdefault(kind, {}), value)
                where["fi" if key == "fe" else key] = name
                if key == "fl":
                    where["fi"] = name
            elif key == "calls":
                counts.calls[plain(where["cfn"])] += int(value.split()[0])
                is_callee = True
            elif line[:1] in "0123456789+-*" and not is_callee:
                _count(counts, where, line)
            else:
                is_callee = False
    return counts


def _expand(names, value):
    """"(12) name" says what 12 is from now on, "(12)" means it."""
    found = re.match(r"\((\d+)\)(?: (.*))?$", value)
    if found is None:
        return value
    if found[2] is not None:
        names[found[1]] = found[2]
    return names.get(found[1], "")


def _count(counts, where, line):
    numbers = line.split()
    if len(numbers) > 1:
        cost = int(numbers[1])
        counts.functions[plain(where["fn"], where["ob"])] += cost
        counts.groups[group_of(where["ob"], where["fi"], where["fl"])] += cost


def plain(function, binary=""):
    """Without what the compiler and callgrind append to a name; where there is none, the
    library's."""
    if function.startswith("0x"):
        return f"({pathlib.Path(binary).name})"
    return re.sub(r"('\d+|\.(constprop|isra|part|lto_priv|cold)\b[.\d]*|@+[\w.]+)+$", "", function)


def group_of(binary, *sources):
    """The room that a line of source belongs to, also where it was inlined into another's; of a
    header that is not ours (xxhash.h, intrinsics), the room of the function. Else the library."""
    if not re.search(r"/lib[\w.+-]*\.so", binary):
        for source in sources:
            room = re.search(r"(?:^|/)(?:src|include)/(base|conf|redis|net|http|link|decide|click|"
                             r"edge|stats|api|cmd)/[\w.]+$", source)
            if room:
                return room[1]
            if source.endswith("/xxhash.h"):
                return "xxhash"
    for part, name in OBJECTS:
        if part in binary:
            return name
    return "other"
