"""Reading C that clang-format has laid out: enough to find functions without a parser.

In that layout a function begins in the first column, its opening line ends in `) {`, and its end
is a `}` alone in the first column.
"""


class Function:
    """name, the line it begins on (from 1), how many lines it takes, how many parameters."""

    def __init__(self, signature, first_line, line_count):
        self.first_line = first_line
        self.line_count = line_count
        before, _, rest = signature.partition("(")
        self.name = before.split()[-1].lstrip("*")
        self.parameters = _count_parameters(rest)


def _count_parameters(text):
    """text begins behind the opening parenthesis; commas of nested ones do not count."""
    depth, commas = 1, 0
    for character in text:
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                break
        elif character == "," and depth == 1:
            commas += 1
    return 0 if text.startswith(("void)", ")")) else commas + 1


def functions(text_lines):
    """Every function that is defined in these lines."""
    start = None
    for number, line in enumerate(text_lines):
        if start is None and line.endswith(") {") and not line.startswith("#"):
            start = _signature_start(text_lines, number)
            opening = number
        elif start is not None and line == "}":
            signature = " ".join(part.strip() for part in text_lines[start : opening + 1])
            yield Function(signature, start + 1, number - start + 1)
            start = None


def _signature_start(text_lines, number):
    """Parameters that did not fit on one line are indented below the first."""
    while number > 0 and text_lines[number].startswith(" "):
        number -= 1
    return number


def without_comments(text):
    """The text with comments blanked, line breaks and strings left as they are."""
    out, position = [], 0
    while position < len(text):
        if text.startswith("/*", position):
            end = text.find("*/", position + 2)
            end = len(text) if end < 0 else end + 2
            out.append("".join("\n" if c == "\n" else " " for c in text[position:end]))
            position = end
        elif text.startswith("//", position):
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        elif text[position] in "\"'":
            end = _literal_end(text, position)
            out.append(text[position:end])
            position = end
        else:
            out.append(text[position])
            position += 1
    return "".join(out)


def _literal_end(text, position):
    quote, end = text[position], position + 1
    while end < len(text) and text[end] not in (quote, "\n"):
        end += 2 if text[end] == "\\" else 1
    return min(end + 1, len(text))
