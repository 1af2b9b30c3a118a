"""Reads a stream of server-sent events, as a browser does."""

import http.client
import json
import socket
import threading
import urllib.parse
from contextlib import suppress

TIMEOUT = 60


class Stream:
    """Reads `/events` of a web server; `with` closes it."""

    def __init__(self, url):
        where = urllib.parse.urlsplit(url)
        self.events = []
        self.seen = 0
        self.ended = False
        self.more = threading.Condition()
        self.connection = http.client.HTTPConnection(where.hostname, where.port, timeout=TIMEOUT)
        self.connection.request("GET", "/events")
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        name, data = None, None
        with suppress(OSError, ValueError, http.client.HTTPException):
            for line in self.answer:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = json.loads(value)
                elif field == "" and name is not None:
                    with self.more:
                        self.events.append((name, data))
                        self.more.notify_all()
                    name, data = None, None
        with self.more:
            self.ended = True
            self.more.notify_all()

    def next(self):
        """The next event, as a pair of its name and its data."""
        with self.more:
            self.more.wait_for(lambda: self.ended or len(self.events) > self.seen, TIMEOUT)
            if len(self.events) <= self.seen:
                raise AssertionError(f"no event came after {self.events}")
            self.seen += 1
            return self.events[self.seen - 1]

    def next_named(self, name):
        """The data of the next event with that name; other events are skipped."""
        while True:
            found, data = self.next()
            if found == name:
                return data

    def wait_for_end(self):
        """Waits until the server has ended it."""
        with self.more:
            if not self.more.wait_for(lambda: self.ended, TIMEOUT):
                raise AssertionError(f"the stream does not end: {self.events}")

    def close(self):
        # The server may have closed it first.
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join(timeout=TIMEOUT)
        self.answer.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
