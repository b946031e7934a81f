"""The request heads that are sent.

SMALL is what the servers are compared with, as short as a telephone's could be; PHONE is what
Chrome on Android really sends when a link is tapped in a message.
"""

AGENT = ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/126.0.0.0 Mobile Safari/537.36")

SMALL = {
    "Host": "go.example.mx",
    "User-Agent": AGENT,
    "Accept-Language": "es-MX,es;q=0.9",
}

PHONE = {
    "Host": "go.example.mx",
    "Connection": "keep-alive",
    "sec-ch-ua": '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"',
    "sec-ch-ua-mobile": "?1",
    "sec-ch-ua-platform": '"Android"',
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
                  "Chrome/126.0.0.0 Mobile Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;"
              "q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "es-MX,es;q=0.9",
}


def head_of(path, fields=None):
    """The bytes of a GET."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in
                                       (SMALL if fields is None else fields).items())]
    return "\r\n".join([*lines, "", ""]).encode()
