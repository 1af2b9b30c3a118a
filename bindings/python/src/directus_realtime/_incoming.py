"""Everything that comes from the library for one client, as rows.

No other module takes anything from the library. It is never waited in here: its calls
cannot be interrupted. What is waited for is its descriptor. A batch stays here until all
of it was delivered, so that the next delivery continues one that was interrupted.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from typing import Any, Union

from . import _abi
from ._abi import lib
from ._errors import check
from ._future import Awaited
from ._rows import ENTRY, Entry
from ._running import Lifecycle
from ._subscription_state import SubscriptionState
from ._surroundings import is_readable

#: What the library knows by a number: a subscription, or the reply to a request.
Registration = Union[SubscriptionState, Awaited]


class Batch:
    """Rows that were received together, and how many of them were delivered."""

    __slots__ = ("entries", "position", "text")

    def __init__(self, entries: list[Entry], text: bytes) -> None:
        self.entries: list[Entry] = entries
        self.text: bytes = text
        self.position: int = 0


class Incoming:
    """Receives for one client. Only one thread at a time may receive and deliver."""

    def __init__(self, handle: int, lifecycle: Lifecycle) -> None:
        self._handle = handle
        self._lifecycle = lifecycle
        #: The library may close its own descriptor at any time; a duplicate is woken then.
        self.fd: int = os.dup(lib.drt_client_fd(handle))
        #: From its beginning to the row that says that the library is done with it.
        self.registrations: dict[int, Registration] = {}
        self._numbers = itertools.count(1)
        self._batch: Batch | None = None
        #: What was received; the count is 0 once all of it was delivered.
        self._entries = bytearray(_abi.MOST_ROWS * ENTRY.size)
        self._room = (ctypes.c_char * len(self._entries)).from_buffer(self._entries)
        self._text, self._length = ctypes.c_void_p(), ctypes.c_size_t()
        self._count = ctypes.c_size_t()
        #: Held while a batch is copied, so that the client is not closed during that.
        self._copying = threading.Lock()

    def register(self, what: Registration) -> int:
        """Numbers a registration."""
        number = next(self._numbers)
        self.registrations[number] = what
        return number

    def forget(self, number: int) -> None:
        """Nothing more comes for a registration."""
        self.registrations.pop(number, None)

    def wait(self, seconds: float | None) -> bool:
        """Waits until something can be delivered; without a limit where `seconds` is None."""
        return self.has_rows or self.fd < 0 or self.is_readable(seconds)

    def is_readable(self, seconds: float | None = 0.0) -> bool:
        """Whether something waits in the library, or comes within so many seconds."""
        if self.fd < 0:
            return False
        return is_readable(self.fd, seconds)

    def receive(self, max_rows: int) -> None:
        """Takes the next batch.

        Raises `ClosedError` when nothing will come any more.
        """
        check(
            lib.drt_client_next_indexed(
                self._handle,
                0,
                min(max_rows, _abi.MOST_ROWS),
                ctypes.byref(self._room),
                ENTRY.size,
                ctypes.byref(self._text),
                ctypes.byref(self._length),
                ctypes.byref(self._count),
            )
        )

    @property
    def has_rows(self) -> bool:
        """Whether rows were received that are not delivered yet."""
        batch = self._batch
        return bool(self._count.value) if batch is None else batch.position < len(batch.entries)

    def batch(self) -> Batch | None:
        """The batch that is being delivered, or the one that was received last."""
        if self._batch is None and self._count.value:
            text = None
            # The text is the library's own, and is gone once the client is closed.
            with self._copying:
                if not self._lifecycle.closed:
                    text = ctypes.string_at(self._text.value or 0, self._length.value)
            if text is None:
                self._count.value = 0
            else:
                received = memoryview(self._entries)[: self._count.value * ENTRY.size]
                entries: Any = list(ENTRY.iter_unpack(received))
                self._batch = Batch(entries, text)
        return self._batch

    def finish_batch(self) -> None:
        """All of the batch was delivered."""
        self._count.value = 0
        self._batch = None

    def shut(self) -> bool:
        """Marks the client as closed; False when it was already."""
        with self._copying:
            if self._lifecycle.closed:
                return False
            self._lifecycle.closed = True
            return True

    def close_descriptor(self) -> None:
        """Called when nothing will be received any more."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def after_fork(self) -> None:
        """In a forked child: nothing is delivered, and locks may be held by lost threads."""
        self._batch = None
        self._count.value = 0
        self._copying = threading.Lock()
