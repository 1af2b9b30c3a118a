"""What a behaviour is, and what its check works with."""

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable

from installation import HERE

ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "directus"))
sys.path.insert(0, str(ROOT / "bindings" / "python" / "src"))

from directus_realtime import Client  # noqa: E402
from rest import ADMIN  # noqa: E402

# Generous: the machine may be busy.
SECONDS = 30

# The seconds that an access token lives for, on the server with short lives.
LIFE = 10

# The settings of the servers that a line is run with.
SERVERS = {
    "usual": {},
    "public": {"WEBSOCKETS_REST_AUTH": "public"},
    "strict": {"WEBSOCKETS_REST_AUTH": "strict"},
    "short": {
        "ACCESS_TOKEN_TTL": f"{LIFE}s",
        "WEBSOCKETS_REST_AUTH_TIMEOUT": "5",
        "WEBSOCKETS_HEARTBEAT_PERIOD": "2",
    },
    "limited": {
        "RATE_LIMITER_ENABLED": "true",
        "RATE_LIMITER_POINTS": "5",
        "RATE_LIMITER_DURATION": "2",
    },
}


@dataclass(frozen=True)
class Behaviour:
    """A row of the table. `check` returns None, or the name of a note."""

    group: str
    title: str
    server: str
    check: Callable


BEHAVIOURS = []


def behaviour(group, title, server="usual"):
    """Makes a function the check of a row."""

    def register(check):
        BEHAVIOURS.append(Behaviour(group, title, server, check))
        return check

    return register


class Followed:
    """A subscription and its events."""

    def __init__(self, client, collection, **options):
        self._changed = threading.Condition()
        self._events = []
        self.subscription = client.subscribe(collection, self._add, **options)

    def _add(self, event):
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    @property
    def events(self):
        with self._changed:
            return list(self._events)

    def until(self, what, found, seconds=SECONDS):
        """Waits until `found(events)` is true, and returns the events."""
        with self._changed:
            if not self._changed.wait_for(lambda: found(self._events), seconds):
                raise AssertionError(f"not seen: {what}; {self.told()}")
            return list(self._events)

    def until_event(self, kind, wanted=lambda event: True, seconds=SECONDS):
        """Waits for an event of a kind, and returns it."""

        def match(events):
            return next((e for e in events if e.type == kind and wanted(e)), None)

        return match(self.until(f"{kind} event", match, seconds))

    def told(self):
        return ", ".join(f"{e.type} {e.raw.decode()[:120]}" for e in self._events[-6:]) or "nothing"

    def clear(self):
        with self._changed:
            self._events.clear()

    def copy(self, key="id"):
        """The rows by key that result from the events."""
        rows = {}
        for event in self.events:
            if event.type == "init":
                rows = {str(row[key]): row for row in event.data}
            elif event.type in ("create", "update"):
                rows[str(event.data[key])] = event.data
            elif event.type == "delete":
                rows.pop(str(event.data[key]), None)
        return rows

    def until_copy(self, expected, key="id", seconds=SECONDS):
        """Waits until the copy equals the rows that `expected()` returns, and stays so."""
        deadline = time.monotonic() + seconds
        while True:
            want = {str(row[key]): row for row in expected()}
            if self.copy(key) == want:
                time.sleep(1.5)
                if self.copy(key) == want:
                    return
            if time.monotonic() > deadline:
                raise AssertionError(f"the copy differs: {self.copy(key)} instead of {want}")
            time.sleep(0.1)


class World:
    """A server of a line, for one check; the clients end with it."""

    def __init__(self, server):
        self.server = server
        self.rest = server.rest
        self._clients = ExitStack()

    def client(self, token=ADMIN, **options):
        client = Client(self.server.url, access_token=token, **options)
        return self._clients.enter_context(client)

    def follow(self, collection, client=None, **options):
        """A subscription that the server has confirmed, and that has its snapshot."""
        followed = Followed(client or self.client(), collection, **options)
        followed.subscription.wait(SECONDS)
        followed.until_event("init")
        return followed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._clients.close()


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} instead of {wanted!r}")


def fails(kind, call, *args, **options):
    """The exception that a call raises."""
    try:
        call(*args, **options)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
