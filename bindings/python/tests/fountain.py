"""A server that pours events out faster than a real one can."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from typing import Any

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Fountain:
    """Accepts one client and confirms what it asks for; `pour` makes the events."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/websocket"
        #: What the client has sent.
        self.heard: list[dict[str, Any]] = []
        self._socket: socket.socket | None = None
        self._wire: str | None = None
        self._subscribed = threading.Event()
        self._writing = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def pour(self, events: int, first: int = 0) -> None:
        """Sends creates with the ids that follow."""
        assert self._subscribed.wait(30)
        frames = bytearray()
        for number in range(first, first + events):
            data = json.dumps([{"id": number, "title": "x" * 150}], separators=(",", ":"))
            head = '{"type":"subscription","event":"create","data":'
            frames += frame(f'{head}{data},"uid":"{self._wire}"}}')
        with contextlib.suppress(OSError):
            # The client may have left.
            self._send(bytes(frames))

    def close(self) -> None:
        """Ends it."""
        self._is_over = True
        for each in (self._listener, self._socket):
            if each is not None:
                # Closing alone wakes nobody who waits for it.
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._thread.join(10)

    def _send(self, data: bytes) -> None:
        assert self._socket is not None
        with self._writing:
            self._socket.sendall(data)

    def _serve(self) -> None:
        try:
            self._socket, _ = self._listener.accept()
            stream = self._socket.makefile("rb")
            key = b""
            while line := stream.readline().strip():
                if line.lower().startswith(b"sec-websocket-key:"):
                    key = line.split(b":", 1)[1].strip()
            accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest()).decode()
            self._send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            )
            while True:
                self._answer(json.loads(read_frame(stream)))
        except (OSError, ValueError, EOFError):
            # It stays open: a client may wait for the answer to its farewell in vain.
            if self._is_over and self._socket is not None:
                self._socket.close()

    def _answer(self, message: dict[str, Any]) -> None:
        self.heard.append(message)
        kind, uid = message["type"], message.get("uid")
        if kind == "auth":
            self._send(frame('{"type":"auth","status":"ok"}'))
        elif kind == "subscribe":
            self._wire = uid
            init = {"type": "subscription", "event": "init", "data": [], "uid": uid}
            self._send(frame(json.dumps(init)))
            self._subscribed.set()
        elif kind == "unsubscribe":
            answer = {"type": "subscription", "event": "unsubscribe", "uid": uid}
            self._send(frame(json.dumps(answer)))
        elif kind == "ping":
            self._send(frame(json.dumps({"type": "pong", **({"uid": uid} if uid else {})})))


def frame(text: str) -> bytes:
    """A text frame of a server."""
    data = text.encode()
    if len(data) < 126:
        return struct.pack(">BB", 0x81, len(data)) + data
    if len(data) < 1 << 16:
        return struct.pack(">BBH", 0x81, 126, len(data)) + data
    return struct.pack(">BBQ", 0x81, 127, len(data)) + data


def read_frame(stream: Any) -> bytes:
    """A client's frame, unmasked."""
    head = stream.read(2)
    if len(head) < 2 or head[0] & 15 == 8:
        raise EOFError
    length = head[1] & 127
    if length > 125:
        length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
    mask, data = stream.read(4), stream.read(length)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
