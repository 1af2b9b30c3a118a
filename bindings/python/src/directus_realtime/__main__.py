"""Follows a collection from the shell, as JSON lines.

python -m directus_realtime tail http://localhost:8055 posts --token …
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from ._client import Client
from ._errors import DirectusRealtimeError
from ._events import Event
from ._state import State, StateChange
from ._version import __version__


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m directus_realtime", description="Live updates from a Directus server."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    tail = commands.add_parser(
        "tail",
        help="print what happens in a collection, one JSON line for each event",
        description="Prints what is in a collection and what happens to it, one JSON line for"
        " each event, until Ctrl-C. What goes wrong is said on standard error.",
    )
    tail.add_argument("url", metavar="URL", help="for instance http://localhost:8055")
    tail.add_argument("collection", metavar="COLLECTION")
    tail.add_argument(
        "--token",
        default=os.environ.get("DIRECTUS_TOKEN"),
        help="an access token; the environment's DIRECTUS_TOKEN otherwise, which others"
        " on the machine cannot see",
    )
    tail.add_argument("--filter", type=_json, metavar="JSON", help="the items that matter")
    tail.add_argument("--fields", metavar="A,B,…", help="the fields that matter")
    tail.add_argument("--query", type=_json, metavar="JSON", help="a whole query")
    tail.add_argument("--item", metavar="KEY", help="one item")
    tail.add_argument(
        "--event", action="append", choices=["create", "update", "delete"], help="one kind only"
    )
    tail.add_argument("--no-init", action="store_true", help="leave out what is there already")
    tail.add_argument("--quiet", action="store_true", help="leave out changes of the connection")
    return parser


class _Tail:
    """Prints events; remembers how it ended."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.failed = False
        self.over = False

    def follow(self) -> int:
        """Until it is over."""
        with Client(
            self.arguments.url,
            access_token=self.arguments.token,
            auth_mode="handshake" if self.arguments.token else "public",
            thread=False,
        ) as client:
            client.on_state(self.show_state)
            client.subscribe(
                self.arguments.collection,
                self.show,
                query=self.query(),
                item=self.arguments.item,
                event=self.arguments.event,
            )
            while not self.over:
                client.dispatch(timeout=None)
        return 1 if self.failed else 0

    def query(self) -> dict[str, Any] | None:
        """What the options say."""
        query = dict(self.arguments.query or {})
        if self.arguments.filter is not None:
            query["filter"] = self.arguments.filter
        if self.arguments.fields:
            query["fields"] = self.arguments.fields.split(",")
        return query or None

    def show(self, event: Event) -> None:
        if event.type == "init" and self.arguments.no_init:
            return
        line = {"type": event.type, "data": event.data}
        if event.meta is not None:
            line["meta"] = event.meta
        if event.resync:
            line["resync"] = True
        try:
            print(json.dumps(line, ensure_ascii=False), flush=True)
        except BrokenPipeError:
            # Whoever read this has gone: nothing is wrong.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.over = True
        if event.ended:
            self.over = self.failed = True

    def show_state(self, change: StateChange) -> None:
        if not self.arguments.quiet or change.state is State.FAILED:
            print(f"{change.state}: {change.message}", file=sys.stderr, flush=True)
        if change.state is State.FAILED:
            self.over = self.failed = True


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    try:
        return _Tail(_parser().parse_args(arguments)).follow()
    except KeyboardInterrupt:
        return 130
    except DirectusRealtimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
