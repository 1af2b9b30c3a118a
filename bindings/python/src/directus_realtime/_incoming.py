"""Everything that comes from the library for one client: events and notices.

No other module gives the library a callback of a client's, or takes events from it.

The library is never waited in: its calls cannot be interrupted, and what they return
would be lost to Ctrl-C. What is waited for is its descriptor. A batch stays here until
all of it was delivered, so that the next delivery continues one that was interrupted.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque

from . import _abi, _ffi_callbacks
from ._abi import lib
from ._errors import check
from ._events import Row, split
from ._ffi_callbacks import PendingRequest
from ._lifecycle import Lifecycle
from ._notices import Notice, Reply
from ._signals import undisturbed
from ._subscription_state import SubscriptionState
from ._surroundings import is_readable
from ._user_data import find, register, release


class Batch:
    """Events that were received together, and how many of them were delivered."""

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
        #: Received, and still to be handled.
        self.notices: deque[Notice] = deque()
        self._notices_in_drain = 0
        self._batch: Batch | None = None
        #: What was drained; the length is 0 once all of it was delivered.
        self._json, self._length = ctypes.c_void_p(), ctypes.c_size_t()
        self._drained = ctypes.c_size_t()
        #: Held while a batch is copied, so that the client is not closed during that.
        self._copying = threading.Lock()
        check(lib.drt_client_on_state(handle, _ffi_callbacks.on_state, register(self), release))

    # Registering with the library

    def register(self, state: SubscriptionState) -> None:
        """Keeps a subscription until the library releases it, which it also does when
        `subscribe` fails."""
        state.user_data = register(state)

    def subscribe(
        self, state: SubscriptionState, options: _abi.SubscriptionOptions, scope: int | None
    ) -> int:
        """Subscribes: the events of a registered `state` are received here. Returns the
        status."""
        handle = ctypes.c_void_p()
        status: int = lib.drt_subscribe(
            self._handle,
            scope,
            ctypes.byref(options),
            _ffi_callbacks.on_event,
            state.user_data,
            release,
            ctypes.byref(handle),
        )
        state.handle = handle.value
        return status

    def request(self, text: bytes, milliseconds: int, reply: Reply) -> None:
        """Sends a request; a `ReplyArrived` follows unless this raises."""
        number = register(PendingRequest(self, reply))
        on_reply = _ffi_callbacks.on_reply
        check(lib.drt_request(self._handle, text, milliseconds, on_reply, number, release))

    def want_token_requests(self, wanted: bool) -> None:
        """Has the library ask for access tokens, by `TokenWanted`, or stops that."""
        if wanted:
            fn, number, released = _ffi_callbacks.on_token, register(self), release
        else:
            fn, number, released = _abi.TOKEN_FN(0), None, _abi.RELEASE_FN(0)
        check(lib.drt_client_on_token(self._handle, fn, number, released))

    # Receiving

    def wait(self, seconds: float | None) -> bool:
        """Waits until something can be delivered; without a limit where `seconds` is None."""
        if self.has_batch or self.notices or self.fd < 0:
            return True
        return self.is_readable(seconds)

    def is_readable(self, seconds: float | None = 0.0) -> bool:
        """Whether something waits in the library, or comes within so many seconds."""
        if self.fd < 0:
            return False
        return is_readable(self.fd, seconds)

    def receive(self, max_events: int) -> None:
        """Takes from the library what waits there: notices, and then the next batch.

        Raises `ClosedError` when nothing will come any more.
        """
        self._notices_in_drain = 0

        def drain() -> None:
            check(
                lib.drt_client_drain(
                    self._handle,
                    0,
                    max_events,
                    ctypes.byref(self._json),
                    ctypes.byref(self._length),
                    ctypes.byref(self._drained),
                )
            )

        undisturbed(drain)

    def add_notice(self, notice: Notice) -> None:
        """Called by the library's callbacks, inside `receive` or while it is closed."""
        self._notices_in_drain += 1
        self.notices.append(notice)

    @property
    def has_batch(self) -> bool:
        """Whether events were received that are not delivered yet."""
        return self._batch is not None or bool(self._length.value)

    def batch(self) -> Batch | None:
        """The batch that is being delivered, or the one that was received last."""
        if self._batch is None and self._length.value:
            text = b""
            # The text is the library's own, and is gone once the client is closed.
            with self._copying:
                if not self._lifecycle.closed:
                    text = ctypes.string_at(self._json.value or 0, self._length.value)
            if len(text) > len(b"[]"):
                self._batch = Batch(split(text, self._drained.value - self._notices_in_drain))
            else:
                self._length.value = 0
        return self._batch

    def subscription_of(self, row: Row) -> SubscriptionState | None:
        """The subscription of an event; None once it has ended."""
        state: SubscriptionState | None = find(int(row[0]))
        return state

    def finish_batch(self) -> None:
        """All of the batch was delivered."""
        self._length.value = 0
        self._batch = None

    # The end

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
        self.notices.clear()
        self._copying = threading.Lock()
