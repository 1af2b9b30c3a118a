"""Follows collections from the shell: events as JSON lines, or the rows as a table.

DIRECTUS_TOKEN=… python -m directus_realtime tail http://localhost:8055 posts authors
DIRECTUS_TOKEN=… python -m directus_realtime watch http://localhost:8055 posts
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
from ._watch import Watch


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
    _add_common(tail)
    tail.add_argument("--item", metavar="KEY", help="only the item of this key")
    tail.add_argument(
        "--event",
        action="append",
        choices=["create", "update", "delete"],
        help="only this kind of event; may be repeated",
    )
    tail.add_argument("--no-init", action="store_true", help="leave out the snapshots")
    tail.add_argument("--quiet", action="store_true", help="leave out the changes of state")
    watch = commands.add_parser(
        "watch",
        help="show a collection as a table, redrawn at each change",
        description="Shows the rows of a collection as a table, which is redrawn at each change,"
        " until Ctrl-C. Where the output is no terminal, each new table is printed below the last"
        " one. The exit status is 1 when the server has refused something or the connection has"
        " failed, 2 for wrong arguments.",
    )
    watch.add_argument("url", metavar="URL", help="for instance http://localhost:8055")
    watch.add_argument("collection", metavar="COLLECTION")
    _add_common(watch)
    watch.add_argument("--sort", metavar="A,-B,…", help="the order; -B is descending")
    watch.add_argument("--limit", type=int, metavar="N", help="only the first rows")
    watch.add_argument(
        "--primary-key", default="id", metavar="NAME", help="the primary key's field; id"
    )
    watch.add_argument(
        "--depends-on",
        action="append",
        metavar="COLLECTION",
        help="another collection whose changes may change rows; may be repeated",
    )
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--token",
        default=os.environ.get("DIRECTUS_TOKEN"),
        help="an access token; by default that of the environment variable DIRECTUS_TOKEN,"
        " which other users of the machine cannot see",
    )
    command.add_argument("--filter", type=_object, metavar="JSON", help="only the items that match")
    command.add_argument("--fields", metavar="A,B,…", help="only these fields")
    command.add_argument("--query", type=_object, metavar="JSON", help="a whole query")


def _query(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """The query that the options give."""
    query = dict(arguments.query or {})
    if arguments.filter is not None:
        query["filter"] = arguments.filter
    if arguments.fields:
        query["fields"] = arguments.fields.split(",")
    if getattr(arguments, "sort", None):
        query["sort"] = arguments.sort.split(",")
    if getattr(arguments, "limit", None) is not None:
        query["limit"] = arguments.limit
    return query or None


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
                    query=_query(self.arguments),
                    item=self.arguments.item,
                    event=self.arguments.event,
                )
            while self.following:
                client.dispatch(timeout=None)
        return 1 if self.failed else 0

    def show(self, event: Event[Any]) -> None:
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
        given = _parser().parse_args(arguments)
        if given.command == "watch":
            return Watch(given, _query(given)).run()
        return _Tail(given).follow()
    except KeyboardInterrupt:
        return 130
    except DirectusRealtimeError as error:
        say(f"error: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
