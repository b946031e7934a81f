"""Webhooks: a receiver that behaves as it is told, deliveries, and what a receiver verifies."""

import base64
import hashlib
import hmac
import json
import socket
import subprocess
import ssl
import threading
import time

from .wait import wait_for


def now_ms():
    return int(time.time() * 1000)


# --- what a receiver does with a connection ------------------------------------------------------

def answer(status=200, body=b"ok", headers=()):
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda connection, stop: connection.sendall("\r\n".join(lines).encode() + body)


def send(*pieces, pause=0.0):
    """Exactly these bytes, with a pause behind each, and then the end."""
    def behave(connection, stop):
        for piece in pieces:
            connection.sendall(piece)
            if stop.wait(pause):
                break
        connection.shutdown(socket.SHUT_WR)
    return behave


def hang(connection, stop):
    del connection
    stop.wait(60)


def drip(connection, stop):
    """A good answer, a byte now and then, for longer than anybody waits."""
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n" + b"x" * 600:
        connection.sendall(bytes([byte]))
        if stop.wait(0.03):
            break


def one_after_the_other(*behaviours):
    """The last one again and again."""
    left = list(behaviours)

    def behave(connection, stop):
        (left.pop(0) if len(left) > 1 else left[0])(connection, stop)
    return behave


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.time()

    @property
    def id(self):
        return self.headers["webhook-id"]


class Receiver:
    """An HTTP server on 127.0.0.1 that notes what it is asked, and behaves by path."""

    def __init__(self, tls=None):
        self.requests, self.connections, self.most_at_once = [], 0, 0
        self._at_once = 0
        self._behaviours = {}
        self._tls = tls
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/", host="127.0.0.1"):
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def on(self, path, behaviour):
        self._behaviours[path] = behaviour
        return self.url(path)

    def ids(self, path=None):
        return [request.id for request in list(self.requests) if path in (None, request.path)]

    def close(self):
        self._stop.set()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rb")
                while self._take(connection, stream):
                    pass
            except OSError:
                pass

    def _take(self, connection, stream):
        line = stream.readline().decode().split(" ")
        if len(line) != 3:
            return False
        headers = {}
        for field in iter(lambda: stream.readline().decode().rstrip("\r\n"), ""):
            name, _, value = field.partition(":")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        with self._lock:
            self.requests.append(Request(line[0], line[1], headers, body))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        behaviour = self._behaviours.get(line[1], answer())
        try:
            behaviour(connection, self._stop)
        finally:
            with self._lock:
                self._at_once -= 1
        return getattr(behaviour, "__name__", "") == "<lambda>"  # whole answers: keep-alive


def certificate(directory):
    """A key and a certificate of its own for 127.0.0.1: context of a server, path of the latter."""
    key, pem = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout", key, "-out",
                    pem, "-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context, pem


# --- deliveries ----------------------------------------------------------------------------------

class Deliveries:
    """What is in Redis of them."""

    def __init__(self, keys, prefix="brinco:"):
        self.keys, self.prefix, self.count = keys, prefix, 0

    def add(self, url, campaign="spring", body=None, **fields):
        """One that is due now; returns its id."""
        self.count += 1
        key = fields.pop("id", f"01HTEST{self.count:019d}")
        created_at = fields.pop("created_at", now_ms())
        due_at = fields.pop("due_at", created_at)
        body = body or json.dumps({"type": "conversion", "id": key})
        values = {"campaign": campaign, "url": url, "body": body, "state": "pending", "attempts": 0,
                  "next_at": due_at, "created_at": created_at, **fields}
        pipe = self.keys.pipeline()
        pipe.hset(self.prefix + f"webhook:{key}",
                  mapping={name: value for name, value in values.items() if value is not None})
        pipe.zadd(self.prefix + "webhooks:all", {key: created_at})
        pipe.zadd(self.prefix + "webhooks:due", {key: due_at})
        pipe.execute()
        return key

    def get(self, key):
        return self.keys.hgetall(self.prefix + f"webhook:{key}")

    def due_at(self, key):
        """Unix ms, or None when it is not on the list."""
        score = self.keys.zscore(self.prefix + "webhooks:due", key)
        return None if score is None else int(score)

    def make_due(self, key):
        """As if the time had come. Not while it is on its way."""
        self.keys.zadd(self.prefix + "webhooks:due", {key: now_ms()}, xx=True)

    def wait(self, key, state):
        wait_for(lambda: self.get(key).get("state") == state,
                 what=lambda: f"{key} is {state}: {self.get(key)}")
        return self.get(key)

    def wait_tried(self, key, attempts=1):
        """Until so many attempts have ended, and the next one is some time off."""
        def is_tried():
            found = self.get(key)
            return (int(found["attempts"]) >= attempts and "last_error" in found
                    and "claimed_until" not in found)
        wait_for(is_tried, what=lambda: f"{key} was tried: {self.get(key)}")
        return self.get(key)


# --- what docs/webhooks.md says of signatures ----------------------------------------------------

def campaign_key(secret, campaign):
    return hmac.new(secret, b"brinco webhook v1" + campaign.encode(), hashlib.sha256).digest()


def is_signed(request, key):
    """Whether a request is from who knows the key, and of now."""
    stamp = request.headers["webhook-timestamp"]
    message = f"{request.id}.{stamp}.".encode() + request.body
    mac = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    signatures = request.headers["webhook-signature"].split(" ")
    return (any(hmac.compare_digest(f"v1,{mac}", signature) for signature in signatures)
            and abs(request.at - int(stamp)) < 60)
