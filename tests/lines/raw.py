"""A WebSocket without the library, to see what a server itself does."""

import base64
import json
import os
import socket
import time
from urllib.parse import urlsplit

TEXT, CLOSE = 1, 8


class UpgradeError(Exception):
    """The server refused the upgrade, with this status."""

    def __init__(self, status):
        super().__init__(f"HTTP {status}")
        self.status = status


def frame(text):
    """A text as a client sends it."""
    payload = text.encode()
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    # A mask of zeros masks nothing.
    return bytes([0x80 | TEXT]) + length + bytes(4) + payload


class Raw:
    """A link to the REST-style WebSocket of `url`."""

    def __init__(self, url, path="/websocket", headers=()):
        where = urlsplit(url)
        self._socket = socket.create_connection((where.hostname, where.port), timeout=10)
        self._read = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {where.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            *headers,
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._read:
            self._receive()
        head, self._read = self._read.split(b"\r\n\r\n", 1)
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            self.close()
            raise UpgradeError(status)

    def _receive(self):
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("the server has closed the connection")
        self._read += received

    def send(self, *messages):
        """Sends messages, several in one packet."""
        self._socket.sendall(b"".join(frame(json.dumps(message)) for message in messages))

    def send_text(self, text):
        self._socket.sendall(frame(text))

    def _frame(self):
        self._need(2)
        kind, size, start = self._read[0] & 15, self._read[1] & 127, 2
        if size > 125:
            start = 4 if size == 126 else 10
            self._need(start)
            size = int.from_bytes(self._read[2:start], "big")
        self._need(start + size)
        payload = self._read[start : start + size]
        self._read = self._read[start + size :]
        return kind, payload

    def _need(self, size):
        while len(self._read) < size:
            self._receive()

    def next(self, seconds=10):
        """The next message; None if none comes, or the link ends."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                kind, payload = self._frame()
            except OSError:
                return None
            if kind == CLOSE:
                return None
            message = json.loads(payload)
            if message.get("type") == "ping":
                self.send({"type": "pong"})
                continue
            return message
        return None

    def until(self, wanted, seconds=10):
        """The next message that `wanted` accepts; None if none comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            message = self.next(left)
            if message is None or wanted(message):
                return message
        return None

    def authenticate(self, token):
        self.send({"type": "auth", "access_token": token})
        message = self.next()
        assert message and message.get("status") == "ok", f"auth: {message}"

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
