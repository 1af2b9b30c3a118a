"""The command `watch`: a live collection as a table that is redrawn at each change."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from typing import Any

from ._client import Client
from ._live import Live
from ._live_updates import LiveUpdate
from ._state import State, StateChange
from ._table import columns_of, lines, printable

#: No more pictures a second than people can see.
_SECONDS_BETWEEN = 0.05
#: Where the output is no terminal, for instance a file.
_WIDTH = 120
#: A terminal may be resized.
_SECONDS_UNTIL_LOOK = 1.0

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"


class Watch:
    """Draws the table, and knows the exit status."""

    def __init__(self, arguments: argparse.Namespace, query: dict[str, Any] | None) -> None:
        self._arguments = arguments
        self._query = query
        self._is_terminal = sys.stdout.isatty()
        self._state = ""
        self._failure = ""
        self._live: Live[dict[str, Any]] | None = None
        self._has_changed = True
        self._size: os.terminal_size | None = None

    def run(self) -> int:
        """Draws until Ctrl-C; returns the exit status."""
        with Client(
            self._arguments.url,
            access_token=self._arguments.token,
            auth_mode="handshake" if self._arguments.token else "public",
            thread=False,
        ) as client:
            client.on_state(self._on_state)
            self._live = client.live(
                self._arguments.collection,
                query=self._query,
                primary_key=self._arguments.primary_key,
                depends_on=self._arguments.depends_on or (),
                on_change=self._on_change,
            )
            try:
                self._write(_ENTER if self._is_terminal else "")
                self._follow(client)
            except BrokenPipeError:
                # The reading end of the pipe was closed, which is no error.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
            finally:
                if self._is_terminal:
                    self._write(_LEAVE)
        if self._failure:
            print(f"error: {self._failure}", file=sys.stderr)
        return 1 if self._failure else 0

    def _follow(self, client: Client) -> None:
        drawn = 0.0
        while not self._failure:
            if self._has_changed or self._is_resized():
                left = drawn + _SECONDS_BETWEEN - time.monotonic()
                if left <= 0:
                    self._draw()
                    drawn = time.monotonic()
                    left = _SECONDS_UNTIL_LOOK
            else:
                left = _SECONDS_UNTIL_LOOK
            client.dispatch(timeout=left)

    def _is_resized(self) -> bool:
        return self._is_terminal and shutil.get_terminal_size() != self._size

    def _draw(self) -> None:
        live = self._live
        if live is None:
            return
        self._has_changed = False
        if self._is_terminal:
            self._size = shutil.get_terminal_size()
            text = _CLEAR_LINE + f"{_CLEAR_LINE}\n".join(self._picture(live, *self._size))
            self._write(_HOME + text + _CLEAR_REST)
        elif live.status == "current":
            # Only what holds is worth a page of its own.
            self._write("\n".join([*self._picture(live, _WIDTH, len(live) + 3), "", ""]))

    def _picture(self, live: Live[dict[str, Any]], width: int, height: int) -> list[str]:
        rows = live[: max(0, height - 2)]
        mark = "●" if live.status == "current" else "○"
        hidden = f", the first {len(rows)} shown" if len(rows) < len(live) else ""
        title = f"{mark} {live.collection}: {len(live)} rows{hidden} ({live.status})"
        if live.status != "current" and self._state:
            title += f" – {self._state}"
        columns = columns_of(rows, self._arguments.primary_key)
        return [printable(title)[: max(1, width - 1)], *lines(columns, rows, width)]

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _on_change(self, update: LiveUpdate[dict[str, Any]]) -> None:
        self._has_changed = True
        if update.ended:
            error = update.error or {}
            self._failure = f"{error.get('code', '?')}: {error.get('message', '')}"

    def _on_state(self, change: StateChange) -> None:
        self._has_changed, self._state = self._is_terminal or self._has_changed, change.message
        lacks_token = not self._arguments.token and "AUTH_FAILED" in change.message
        if change.state is State.FAILED or lacks_token:
            self._failure = change.message
            if not self._arguments.token:
                self._failure += ": set DIRECTUS_TOKEN or pass --token"
