"""A client that keeps a copy of a collection by the book, for comparing it with the server."""

import logging
import threading
import time

from directus_realtime import Client
from rest import ADMIN

# Machines are slow.
PATIENCE = 60
FIELDS = ["id", "title"]
# Lost links are what is tested.
logging.getLogger("directus_realtime").setLevel(logging.CRITICAL)


class Follower:
    """Follows the posts at `url`; all it is told is in `copy`, `states` and `resyncs`."""

    def __init__(self, url, ca_file, heartbeat, wait=True):
        self.copy, self.states, self.inits, self.resyncs = {}, [], 0, 0
        self._changed = threading.Condition()
        self.client = Client(
            url,
            access_token=ADMIN,
            ca_file=ca_file,
            heartbeat=heartbeat,
            reconnect_min=0.05,
            reconnect_max=0.5,
        )
        self.client.on_state(self._on_state)
        query = {"fields": FIELDS, "limit": -1}
        self.handler = self.client.subscribe("posts", self._on_event, query=query)
        if wait:
            self.wait_until(lambda: self.inits > 0, "no INIT")

    def _on_state(self, change):
        with self._changed:
            self.states.append(change)
            self._changed.notify_all()

    def _on_event(self, event):
        with self._changed:
            if event.type == "init":
                self.copy = {row["id"]: row for row in event.data}
                self.inits += 1
                self.resyncs += event.resync
            elif event.type == "delete":
                self.copy.pop(event.data["id"], None)
            elif event.type in ("create", "update"):
                self.copy[event.data["id"]] = event.data
            self._changed.notify_all()

    @property
    def connects(self):
        return self.client.stats.connects

    def wait_until(self, is_so, otherwise):
        with self._changed:
            if not self._changed.wait_for(is_so, PATIENCE):
                raise AssertionError(f"{otherwise}; states: {self.reasons()}")

    def reasons(self):
        return [str(change) for change in self.states]

    def wait_for_reason(self, *words):
        """The first reported reason with all these words."""

        def found():
            said = self.reasons()
            return next((one for one in said if all(word in one for word in words)), None)

        self.wait_until(found, f"no reason with {words}")
        return found()

    def wait_to_equal(self, rest):
        """Waits until the copy equals what the server has."""
        end = time.monotonic() + PATIENCE
        while True:
            rows = rest.read("posts", f"limit=-1&fields={','.join(FIELDS)}")
            stored = {row["id"]: row for row in rows}
            with self._changed:
                if self._changed.wait_for(lambda now=stored: self.copy == now, 0.2):
                    return
                if time.monotonic() > end:
                    raise AssertionError(f"{self.copy} is not {stored}: {self.reasons()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
