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
from typing import Union

from . import _abi
from ._abi import lib
from ._errors import check
from ._future import Awaited
from ._rows import Row, split
from ._running import Lifecycle
from ._subscription_state import SubscriptionState
from ._surroundings import is_readable

#: So many rows are split more quickly if they are all events.
_MANY_ROWS = 16

#: What the library knows by a number: a subscription, or the reply to a request.
Registration = Union[SubscriptionState, Awaited]


class Batch:
    """Rows that were received together, and how many of them were delivered."""

    __slots__ = ("position", "rows")

    def __init__(self, rows: list[Row]) -> None:
        self.rows: list[Row] = rows
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
        #: What was received; the length is 0 once all of it was delivered.
        self._json, self._length = ctypes.c_void_p(), ctypes.c_size_t()
        self._count = ctypes.c_size_t()
        #: The number of the last event.
        self._sequence = 0
        self._stats = _abi.Stats(struct_size=ctypes.sizeof(_abi.Stats))
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
            lib.drt_client_next(
                self._handle,
                0,
                max_rows,
                ctypes.byref(self._json),
                ctypes.byref(self._length),
                ctypes.byref(self._count),
            )
        )

    @property
    def has_rows(self) -> bool:
        """Whether rows were received that are not delivered yet."""
        batch = self._batch
        return bool(self._length.value) if batch is None else batch.position < len(batch.rows)

    def batch(self) -> Batch | None:
        """The batch that is being delivered, or the one that was received last."""
        if self._batch is None and self._length.value:
            text = b""
            # The text is the library's own, and is gone once the client is closed.
            with self._copying:
                if not self._lifecycle.closed:
                    text = ctypes.string_at(self._json.value or 0, self._length.value)
            count = self._count.value
            if count and text:
                rows = split(text, count, only_events=self._has_only_events(count))
                last = next((row for row in reversed(rows) if isinstance(row, list)), None)
                self._sequence = self._sequence if last is None else int(last[3])
                self._batch = Batch(rows)
            else:
                self._length.value = 0
        return self._batch

    def _has_only_events(self, count: int) -> bool:
        """Whether that is known of so many rows: it is worth knowing of many."""
        if count < _MANY_ROWS:
            return False
        lib.drt_client_stats(self._handle, ctypes.byref(self._stats))
        return int(self._stats.events) - self._sequence == count

    def finish_batch(self) -> None:
        """All of the batch was delivered."""
        self._length.value = 0
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
        self._length.value = 0
        self._copying = threading.Lock()
