"""Copies of collections, kept by the events that the library delivers.

`mirror.c` is linked with the library and prints the events. What a copy does with
them is what any program would do: INIT replaces all, CREATE and UPDATE put a row by
its key, DELETE removes one.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "directus"))

from paths import ROOT, digest, locked, shared_library  # noqa: E402
from rest import ADMIN  # noqa: E402

INIT, CREATE, UPDATE, DELETE, ERROR = range(5)
RESYNC, ENDED, SETTLED = 1, 2, 4
NEVER = 2**32 - 1
LIMIT_SECONDS = 60


def compiled():
    """The program, compiled unless that has been done before."""
    library = shared_library()
    source = HERE / "mirror.c"
    out = ROOT / "target" / "databases"
    made = out / f"mirror-{digest(source, ROOT / 'include' / 'directus_realtime.h')}"
    with locked("databases-mirror"):
        if not made.exists():
            out.mkdir(parents=True, exist_ok=True)
            part = out / f"mirror.{os.getpid()}"
            flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
            places = [
                f"-I{ROOT / 'include'}",
                f"-L{library.parent}",
                f"-Wl,-rpath,{library.parent}",
            ]
            command = [os.environ.get("CC", "cc"), *flags, str(source), "-o", str(part), *places]
            subprocess.run([*command, "-ldirectus_realtime"], check=True)
            part.rename(made)
    return made


class Copy:
    """What a program keeps of one subscription."""

    def __init__(self, uid, key):
        self.uid = uid
        self.key = key
        self.lock = threading.Lock()
        self.ready = threading.Event()
        self.rows = {}
        self.events = []
        self.errors = []
        self.resyncs = self.settled = 0

    def fold(self, event):
        kind, flags, data = event["kind"], event["flags"], event["data"]
        with self.lock:
            self.resyncs += bool(flags & RESYNC)
            self.settled += bool(flags & SETTLED)
            self.events.append(event)
            if kind == INIT:
                # A singleton's is one object, or none.
                rows = [data] if isinstance(data, dict) else data or ()
                self.rows = {str(row[self.key]): row for row in rows}
            elif kind in (CREATE, UPDATE):
                self.rows[str(data[self.key])] = data
            elif kind == DELETE:
                self.rows.pop(str(data[self.key]), None)
            else:
                self.errors.append(data)
        self.ready.set()

    def now(self):
        with self.lock:
            return dict(self.rows)

    def creates(self):
        """How many creates the server has reported."""
        with self.lock:
            kinds = [(event["kind"], event["flags"] & SETTLED) for event in self.events]
        return kinds.count((CREATE, 0))


class Mirror:
    """One client, with as many copies as are wanted."""

    def __init__(self, url):
        self.copies = {}
        self.replies = queue.Queue()
        self.process = subprocess.Popen(
            [compiled(), url, ADMIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        try:
            self._read_events()
        except BaseException:
            # All that waits for it fails at once.
            self.process.kill()
            raise

    def _read_events(self):
        for line in self.process.stdout:
            event = json.loads(line, parse_float=Decimal)
            if "status" in event:
                self.replies.put(event["status"])
            elif event["uid"] in self.copies:
                self.copies[event["uid"]].fold(event)

    def order(self, *words):
        with self._writing:
            self.process.stdin.write("\t".join(words) + "\n")
            self.process.stdin.flush()

    def subscribe(self, uid, collection, key, query, settle_ms=0):
        """A copy, once its snapshot has come."""
        copy = self.copies[uid] = Copy(uid, key)
        self.order("subscribe", uid, collection, key, str(settle_ms), json.dumps(query))
        if not copy.ready.wait(LIMIT_SECONDS):
            raise AssertionError(f"{uid}: no snapshot")
        return copy

    def unsubscribe(self, copy):
        self.order("unsubscribe", copy.uid)

    def request(self, message):
        """Sends a message over the socket: the status of the reply. One at a time."""
        self.order("request", json.dumps(message))
        return self.replies.get(timeout=LIMIT_SECONDS)

    def close(self):
        self.process.stdin.close()
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(timeout=10)
        self.process.stdout.close()
        if status != 0:
            raise AssertionError(f"the mirror has ended with {status}")


def sleep_until(moment):
    time.sleep(max(0.0, moment - time.monotonic()))
