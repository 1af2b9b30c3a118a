"""Follows collections from the shell, as JSON lines.

DIRECTUS_TOKEN=… python -m directus_realtime tail http://localhost:8055 posts authors
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from typing import Any

from ._client import Client
from ._errors import DirectusRealtimeError
from ._events import Event
from ._log import set_log
from ._state import State, StateChange
from ._version import __version__


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object, such as {{}}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m directus_realtime", description="Live updates from a Directus server."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    tail = commands.add_parser(
        "tail",
        help="print the events of collections, one JSON line for each",
        description="Prints what is in collections and what happens to it, one JSON line for"
        " each event, until Ctrl-C. Errors go to standard error. The exit status is 1 when the"
        " server has refused something or the connection has failed, 2 for wrong arguments.",
    )
    tail.add_argument("url", metavar="URL", help="for instance http://localhost:8055")
    tail.add_argument("collections", metavar="COLLECTION", nargs="+")
    tail.add_argument(
        "--token",
        default=os.environ.get("DIRECTUS_TOKEN"),
        help="an access token; by default that of the environment variable DIRECTUS_TOKEN,"
        " which other users of the machine cannot see",
    )
    tail.add_argument("--filter", type=_object, metavar="JSON", help="only the items that match")
    tail.add_argument("--fields", metavar="A,B,…", help="only these fields")
    tail.add_argument("--query", type=_object, metavar="JSON", help="a whole query")
    tail.add_argument("--item", metavar="KEY", help="only the item of this key")
    tail.add_argument(
        "--event",
        action="append",
        choices=["create", "update", "delete"],
        help="only this kind of event; may be repeated",
    )
    tail.add_argument("--no-init", action="store_true", help="leave out the snapshots")
    tail.add_argument("--quiet", action="store_true", help="leave out the changes of state")
    return parser


class _Tail:
    """Prints events, and knows the exit status."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.failed = False
        self.following: set[str] = set(arguments.collections)

    def follow(self) -> int:
        """Prints events until all subscriptions have ended; returns the exit status."""
        with Client(
            self.arguments.url,
            access_token=self.arguments.token,
            auth_mode="handshake" if self.arguments.token else "public",
            thread=False,
        ) as client:
            client.on_state(self.show_state)
            for collection in dict.fromkeys(self.arguments.collections):
                client.subscribe(
                    collection,
                    self.show,
                    query=self.query(),
                    item=self.arguments.item,
                    event=self.arguments.event,
                )
            while self.following:
                client.dispatch(timeout=None)
        return 1 if self.failed else 0

    def query(self) -> dict[str, Any] | None:
        """The query that the options give."""
        query = dict(self.arguments.query or {})
        if self.arguments.filter is not None:
            query["filter"] = self.arguments.filter
        if self.arguments.fields:
            query["fields"] = self.arguments.fields.split(",")
        return query or None

    def show(self, event: Event) -> None:
        """Prints an event."""
        if event.type == "init" and self.arguments.no_init:
            return
        # The server's own text: Python's floats would change long numbers.
        parts = [
            f'"type":"{event.type}"',
            f'"collection":{json.dumps(event.collection, ensure_ascii=False)}',
            f'"data":{event.raw.decode()}',
        ]
        if event.meta is not None:
            parts.append(f'"meta":{json.dumps(event.meta, ensure_ascii=False)}')
        if event.resync:
            parts.append('"resync":true')
        try:
            print(f"{{{','.join(parts)}}}", flush=True)
        except BrokenPipeError:
            # The reading end of the pipe was closed, which is no error.
            self.end_output()
        except OSError as error:
            say(f"error: standard output cannot be written: {error}")
            self.failed = True
            self.end_output()
        if event.ended:
            self.failed = True
            self.following.discard(event.collection)

    def end_output(self) -> None:
        """Standard output is gone: discards it, what Python has buffered included."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.following.clear()

    def show_state(self, change: StateChange) -> None:
        """Prints a change of state."""
        # A missing token is as final as a refused one.
        lacks_token = not self.arguments.token and "AUTH_FAILED" in change.message
        is_over = change.state is State.FAILED or lacks_token
        if is_over or not self.arguments.quiet:
            say(f"{change.state}: {change.message}")
        if is_over:
            self.failed = True
            self.following.clear()
            if not self.arguments.token:
                say("error: the server requires a token: set DIRECTUS_TOKEN or pass --token")


def say(text: str) -> None:
    """Prints a line on standard error, if that can be written."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command, and returns its exit status."""
    # The states that are printed say the same, in their place among the events.
    set_log(logging.CRITICAL)
    try:
        return _Tail(_parser().parse_args(arguments)).follow()
    except KeyboardInterrupt:
        return 130
    except DirectusRealtimeError as error:
        say(f"error: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
