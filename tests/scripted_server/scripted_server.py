"""Drives the scripted server (`server.rs`) in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("DRT_SCRIPTED_SERVER") or str(
    ROOT / "target" / "debug" / "examples" / "scripted_server"
)
#: Long enough for any machine.
PATIENCE = 60.0


class ScriptedServer:
    """A server on loopback that answers as a Directus with empty collections does.

    `withhold` names the types of messages that get no answer (`close` is the client's close
    frame), `tokens` the access tokens that are let in, and `refuse` is the whole HTTP answer
    that every client gets in place of the upgrade. `on_message(message, link)` is called for
    each message, after that was answered, on the thread that reads the server's reports: it may
    send, close and drop, and not load.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        refuse: str | None = None,
        tokens: list[str] | None = None,
        withhold: tuple[str, ...] = (),
        on_message: Callable[[dict[str, Any], Link], Any] | None = None,
    ) -> None:
        script = {"port": port, "refuse": refuse, "tokens": tokens, "withhold": withhold}
        self._on_message = on_message
        try:
            self._process = subprocess.Popen(
                [PROGRAM, json.dumps(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{PROGRAM} is missing: cargo build --example scripted_server"
            ) from None
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._changed = threading.Condition()
        self._commands = 0
        self._done: set[int] = set()
        self._subscribed: set[str] = set()
        self._is_over = False
        #: What clients have sent, in order.
        self.messages: list[dict[str, Any]] = []
        #: How many connections are open.
        self.links = 0
        self.port: int = json.loads(self._stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def load(self, collection: str, count: int, first: int = 0, **item: Any) -> None:
        """Waits for a subscription to `collection`, and sends creates of items with the ids from
        `first` on to the newest one, as fast as the client takes them; returns when it has taken
        them, or has gone."""
        numbers = {"first": first, "count": count}
        self._until(lambda: collection in self._subscribed, f"a subscription to {collection}")
        load = self._command(None, "load", collection=collection, item=item, **numbers)
        self._until(lambda: load in self._done, "the end of a load")

    def close(self) -> None:
        """Ends it, and each connection without a close frame."""
        self._process.kill()
        self._process.wait()
        self._thread.join(PATIENCE)
        with self._changed, contextlib.suppress(OSError):
            # A command that is still to be written cannot be.
            self._stdin.close()
        self._stdout.close()

    def _command(self, link: int | None, do: str, **more: Any) -> int:
        with self._changed:
            self._commands += 1
            line = json.dumps({"id": self._commands, "do": do, "link": link, **more})
            # The server may have been closed.
            with contextlib.suppress(OSError, ValueError):
                self._stdin.write(line.encode() + b"\n")
                self._stdin.flush()
            return self._commands

    def _until(self, condition: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + PATIENCE
        with self._changed:
            while not (value := condition()) and not self._is_over:
                assert self._changed.wait(end - time.monotonic()), f"waited in vain for {what}"
        return value

    def _read(self) -> None:
        links: dict[int, Link] = {}
        for line in self._stdout:
            report = json.loads(line)
            kind, number = report.get("event"), report.get("link")
            message = json.loads(report["text"]) if kind == "message" else {}
            with self._changed:
                if kind == "opened":
                    links[number] = Link(self, number)
                    self.links += 1
                elif kind == "closed":
                    self.links -= 1
                elif kind == "message":
                    self.messages.append(message)
                    if message.get("type") == "subscribe":
                        self._subscribed.add(message["collection"])
                else:
                    self._done.add(report["done"])
                self._changed.notify_all()
            if kind == "message" and self._on_message is not None:
                self._on_message(message, links[number])
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


class Link:
    """A connection. What is asked of one that has ended does nothing."""

    def __init__(self, server: ScriptedServer, number: int) -> None:
        self._server, self._number = server, number

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message."""
        self._server._command(self._number, "send", text=json.dumps(message))

    def close(self) -> None:
        """Ends it with a close frame, behind what was sent before."""
        self._server._command(self._number, "close")

    def drop(self) -> None:
        """Ends it at once, without a close frame."""
        self._server._command(self._number, "drop")
