"""HTTP as bytes on a socket: what is sent is sent as it is, what comes back is read strictly."""

import contextlib
import socket

CRLF = b"\r\n"


class Reply:
    """status, headers (list of pairs, names as sent), body."""

    def __init__(self, head, body):
        status_line, *fields = head.decode("latin-1").split("\r\n")
        version, status, self.reason = (status_line.split(" ", 2) + [""])[:3]
        assert version in ("HTTP/1.1", "HTTP/1.0"), status_line
        self.version, self.status, self.body = version, int(status), body
        self.headers = []
        for field in fields:
            name, colon, value = field.partition(":")
            assert colon and name and name.strip() == name, f"not a field: {field!r}"
            self.headers.append((name, value.strip()))

    def header(self, name):
        """The field's value; None when it is absent. Twice is an error."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} {len(values)} times"
        return values[0] if values else None

    @property
    def location(self):
        return self.header("Location")

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def closes(self):
        connection = (self.header("Connection") or "").lower()
        return connection == "close" or (self.version == "HTTP/1.0" and connection != "keep-alive")

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Connection:
    """One connection. Replies are read one at a time, so pipelining shows."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        self._pending += data
        return bool(data)

    def read_reply(self, to_head=False):
        """The next reply; EOFError when the connection ends before its first byte."""
        while b"\r\n\r\n" not in self._pending:
            if not self._more():
                if self._pending:
                    raise AssertionError(f"a reply was cut off: {self._pending!r}")
                raise EOFError
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        reply = Reply(head, b"")
        length = int(reply.header("Content-Length") or 0)
        if not to_head:
            while len(self._pending) < length:
                assert self._more(), f"content was cut off: {reply}"
            reply.body, self._pending = self._pending[:length], self._pending[length:]
        return reply

    def ask(self, data, to_head=False):
        self.send(data)
        return self.read_reply(to_head)

    def rest(self):
        """Everything until the other side closes. A reset counts as closed."""
        with contextlib.suppress(ConnectionResetError):
            while self._more():
                pass
        rest, self._pending = self._pending, b""
        return rest

    def is_closed(self):
        """Waits for the end of the connection; false when it stays open until the timeout."""
        try:
            return self.rest() == b""
        except TimeoutError:
            return False


def request(target="/", method="GET", agent=None, headers=(), host="go.example.mx", version="1.1"):
    """A request head. headers: lines without CRLF."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if agent is not None:
        lines.append(f"User-Agent: {agent}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")


def raw(port, data, timeout=20):
    """Sends data on a connection of its own; all replies until the server closes it."""
    with Connection(port, timeout) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(data)
        replies = []
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                replies.append(connection.read_reply())
        return replies


def tap(port, code, agent=None, method="GET", headers=(), **more):
    """One request for /code on a connection of its own."""
    data = request(f"/{code}", method, agent, [*headers, "Connection: close"], **more)
    with Connection(port) as connection:
        return connection.ask(data, to_head=method == "HEAD")
