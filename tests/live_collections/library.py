"""The live collections of the library, through its C ABI.

A client in poll delivery whose rows one thread takes by `drt_client_next`. Each live collection
is folded from the changes alone (invariant I10), and compared with what the library shows.
"""

import ctypes
import json
import os
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "directus"))

from paths import shared_library  # noqa: E402

LOADING, CURRENT, STALE, ENDED = range(4)
ADDED, MODIFIED, REMOVED = range(3)
REPLY, RELEASED, UPDATE = 3, 4, 5
POLL = 1
NEVER = 2**32 - 1
LIMIT_SECONDS = 60

Text, Size, Pointer = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p


class ClientOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", Size),
        ("url", Text),
        ("auth_mode", ctypes.c_int32),
        ("access_token", Text),
        ("email", Text),
        ("password", Text),
        ("refresh_token", Text),
        ("delivery", ctypes.c_int32),
        ("connect_timeout_ms", ctypes.c_uint32),
        ("ack_timeout_ms", ctypes.c_uint32),
        ("heartbeat_ms", ctypes.c_uint32),
        ("reconnect_min_ms", ctypes.c_uint32),
        ("reconnect_max_ms", ctypes.c_uint32),
        ("reconnect_attempts", ctypes.c_uint32),
        ("queue_bytes", ctypes.c_uint64),
        ("ca_file", Text),
        ("proxy", Text),
        ("client_cert_file", Text),
        ("client_key_file", Text),
        ("headers", Text),
        ("user_agent", Text),
        ("max_message_bytes", ctypes.c_uint64),
        ("send_queue_bytes", ctypes.c_uint64),
    ]


class LiveOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", Size),
        ("collection", Text),
        ("query", Text),
        ("uid", Text),
        ("persistent", ctypes.c_bool),
        ("primary_key", Text),
        ("depends_on", Text),
        ("verify_ms", ctypes.c_uint32),
    ]


class Row(ctypes.Structure):
    _fields_ = [
        ("struct_size", Size),
        ("index", ctypes.c_uint64),
        ("key", Pointer),
        ("key_len", Size),
        ("data", Pointer),
        ("data_len", Size),
    ]


ROW_FN = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.POINTER(Row), Pointer)


def load():
    named = os.environ.get("DIRECTUS_REALTIME_LIBRARY")
    library = ctypes.CDLL(named or str(shared_library()))
    library.drt_last_error.restype = Text
    library.drt_live_get_status.argtypes = [Pointer]
    library.drt_live_close.argtypes = [Pointer]
    library.drt_live_wait.argtypes = [Pointer, ctypes.c_uint32]
    library.drt_client_close.argtypes = [Pointer, ctypes.c_uint32]
    library.drt_client_reconnect.argtypes = [Pointer]
    library.drt_unsubscribe_all.argtypes = [Pointer, Pointer]
    library.drt_live_verify.argtypes = [Pointer, ctypes.c_uint32, Pointer, Pointer, Pointer]
    library.drt_request.argtypes = [Pointer, Text, ctypes.c_uint32, Pointer, Pointer, Pointer]
    library.drt_live_rows.argtypes = [Pointer, ctypes.c_uint64, ctypes.c_uint64, ROW_FN] + [
        Pointer
    ] * 2
    library.drt_live_open.argtypes = [Pointer] * 7
    library.drt_client_new.argtypes = [Pointer] * 2
    library.drt_client_next.argtypes = [Pointer, ctypes.c_int32, Size] + [Pointer] * 3
    return library


class LibraryError(Exception):
    """A call has failed."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class Live:
    """A live collection, and the list that its changes give."""

    def __init__(self, client, number):
        self.client = client
        self.number = number
        self.handle = None
        self.lock = threading.Lock()
        self.rows = []
        self.status = LOADING
        self.error = None
        self.revision = 0
        #: (kind, key) of each change, in order.
        self.changes = []
        self.updates = 0
        self.released = False

    def take(self, flags, sequence, status, revision, changes, error):
        with self.lock:
            self.updates += 1
            self.status, self.error = status, error
            assert not changes or revision > self.revision, (revision, self.revision)
            self.revision = revision
            for kind, key, old, new, data in changes:
                self.changes.append((kind, key))
                assert (old is None) == (kind == ADDED) and (new is None) == (kind == REMOVED)
                if old is not None:
                    assert self.rows.pop(old)[0] == key, f"I10: {key} was not at {old}"
                if new is not None:
                    assert 0 <= new <= len(self.rows), f"I10: {new} of {len(self.rows)}"
                    self.rows.insert(new, (key, data))

    def now(self):
        with self.lock:
            return [data for _, data in self.rows]

    def shown(self):
        """What the library shows."""
        rows = []

        @ROW_FN
        def visit(row, _):
            text = ctypes.string_at(row.contents.data, row.contents.data_len)
            rows.append(json.loads(text, parse_float=Decimal))
            return True

        self.client.check(self.client.library.drt_live_rows(self.handle, 0, 0, visit, None, None))
        return rows

    def await_status(self, status=CURRENT, seconds=LIMIT_SECONDS):
        limit = time.monotonic() + seconds
        while self.status != status:
            if time.monotonic() > limit:
                raise AssertionError(f"status {self.status} instead of {status} ({self.error})")
            time.sleep(0.01)
        return self

    def verify(self, seconds=LIMIT_SECONDS):
        """The reply, as an object."""
        number = self.client.await_reply()
        library = self.client.library
        library_call = library.drt_live_verify(self.handle, seconds * 1000, None, number, None)
        self.client.check(library_call)
        return self.client.reply(number)

    def close(self):
        self.client.check(self.client.library.drt_live_close(self.handle))


class Client:
    def __init__(self, url, token="admin-static-token", **options):
        self.library = load()
        self.lives = {}
        self.replies = {}
        self.numbers = 0
        self.failure = None
        self.states = []
        self.pause_seconds = 0
        given = ClientOptions(ctypes.sizeof(ClientOptions), url.encode(), delivery=POLL)
        given.access_token = token.encode() if token else None
        for name, value in options.items():
            setattr(given, name, value)
        self.handle = ctypes.c_void_p()
        self.check(self.library.drt_client_new(ctypes.byref(given), ctypes.byref(self.handle)))
        self.ends = False
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def check(self, status):
        if status < 0:
            raise LibraryError(status, self.library.drt_last_error().decode())
        if self.failure:
            raise self.failure
        return status

    def _take(self):
        try:
            while not self.ends:
                self._take_rows()
                time.sleep(self.pause_seconds)
        except BaseException as error:
            self.failure = error
            raise

    def _take_rows(self):
        text, length, rows = ctypes.c_void_p(), Size(), Size()
        out = [ctypes.byref(each) for each in (text, length, rows)]
        status = self.library.drt_client_next(self.handle, 100, 0, *out)
        if status != 0 or not rows.value:
            return
        for row in json.loads(ctypes.string_at(text, length.value), parse_float=Decimal):
            if row[0] == UPDATE and row[1] in self.lives:
                self.lives[row[1]].take(*row[2:])
            elif row[0] == RELEASED and row[1] in self.lives:
                self.lives[row[1]].released = True
            elif row[0] == REPLY:
                self.replies[row[1]] = row[2:]
            elif row[0] == 1:
                self.states.append(row[1])

    def await_reply(self):
        self.numbers += 1
        return self.numbers

    def reply(self, number):
        limit = time.monotonic() + LIMIT_SECONDS
        while number not in self.replies:
            if self.failure:
                raise self.failure
            if time.monotonic() > limit:
                raise AssertionError("no reply")
            time.sleep(0.01)
        status, answer, message = self.replies.pop(number)
        if status != 0:
            raise LibraryError(status, message)
        return answer

    def request(self, message):
        number = self.await_reply()
        text = json.dumps(message).encode()
        self.check(self.library.drt_request(self.handle, text, 0, None, number, None))
        return self.reply(number)

    def live(self, collection, query=None, wait=True, **options):
        """A live collection, once it is current."""
        self.numbers += 1
        live = self.lives[self.numbers] = Live(self, self.numbers)
        given = LiveOptions(ctypes.sizeof(LiveOptions), collection.encode())
        given.query = None if query is None else json.dumps(query).encode()
        for name, value in options.items():
            setattr(given, name, value.encode() if isinstance(value, str) else value)
        out = ctypes.c_void_p()
        status = self.library.drt_live_open(
            self.handle, None, ctypes.byref(given), None, live.number, None, ctypes.byref(out)
        )
        live.handle = out
        self.check(status)
        return live.await_status() if wait else live

    def reconnect(self):
        self.check(self.library.drt_client_reconnect(self.handle))

    def pause(self, seconds):
        """From now on, the application is so slow."""
        self.pause_seconds = seconds

    def close(self):
        self.ends = True
        self.thread.join()
        self.check(self.library.drt_client_close(self.handle, 5000))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
