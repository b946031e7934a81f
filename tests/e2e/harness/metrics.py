"""The Prometheus text exposition format, version 0.0.4, read strictly."""

import re

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Metrics:
    """samples: list of (name, labels, value); types and helps: by family name."""

    def __init__(self, text):
        self.samples, self.types, self.helps = [], {}, {}
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name, _, text = line[7:].partition(" ")
                assert name not in self.helps, f"HELP of {name} twice"
                self.helps[name] = text
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name not in self.types, f"TYPE of {name} twice"
                self.types[name] = kind
            else:
                self._sample(line)

    def _sample(self, line):
        found = SAMPLE.match(line)
        assert found, f"not a sample: {line!r}"
        name, labels, value = found.groups()
        pairs = LABEL.findall(labels or "")
        assert ",".join(f'{key}="{text}"' for key, text in pairs) == (labels or ""), line
        self.samples.append((name, dict(pairs), float(value)))

    def sum(self, name, **labels):
        """Of all samples of this name that carry these labels; the name must exist."""
        matching = [value for key, has, value in self.samples
                    if key == name and labels.items() <= has.items()]
        known = {key for key, _, _ in self.samples}
        assert name in known, f"{name} is not among {sorted(known)}"
        return sum(matching)

    def family_of(self, name):
        for ending in ("_bucket", "_sum", "_count"):
            base = name[: -len(ending)]
            if name.endswith(ending) and self.types.get(base) == "histogram":
                return base
        return name
