"""Small PNGs, decoded: 8 bits a channel, RGB or RGBA, not interlaced, as Chromium writes them."""

import struct
import zlib


def _paeth(left, above, corner):
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def _unfilter(kind, row, above, step):
    for i in range(len(row)):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        row[i] = (row[i] + (0, left, above[i], (left + above[i]) // 2,
                            _paeth(left, above[i], corner))[kind]) & 0xFF
    return row


def pixels(data):
    """Rows of (red, green, blue)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, header = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        content = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", content)
        elif kind == b"IDAT":
            body += content
        at += size + 12
    width, height, depth, colour, _, _, interlace = header
    assert depth == 8 and colour in (2, 6) and interlace == 0
    step = 3 if colour == 2 else 4
    raw, above, rows = zlib.decompress(body), bytes(width * step), []
    for y in range(height):
        begin = y * (width * step + 1)
        above = _unfilter(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step]), above,
                          step)
        rows.append([tuple(above[x:x + 3]) for x in range(0, width * step, step)])
    return rows


def luminance(colour):
    """Relative luminance of WCAG 2, 0 to 1."""
    linear = [value / 255 / 12.92 if value / 255 <= 0.04045
              else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
