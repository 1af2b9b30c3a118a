"""The end of a client: `close`, garbage collection, the interpreter's exit, a fork."""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import time
import weakref

from ._abi import lib
from ._callbacks import Callbacks
from ._delivery_slot import DeliverySlot
from ._event import OneTimeEvent
from ._event_pump import EventPump
from ._incoming import Incoming
from ._lifecycle import Lifecycle
from ._running import Running
from ._subscriptions import Subscriptions

#: How long a client may take to close when the interpreter exits.
EXIT_SECONDS = 1.0
#: How long closing may take beyond its timeout, if no callback is in its way.
_GRACE_SECONDS = 1.0
#: How long to wait for another thread before the next look.
_POLL_SECONDS = 0.02


class Closing:
    """Closes one client.

    In three steps: `begin` ends the subscriptions, `close_library` closes the library's
    client, and `finish` reports what that has brought, where callbacks run.
    """

    def __init__(
        self,
        handle: int,
        lifecycle: Lifecycle,
        callbacks: weakref.ref[Callbacks],
        incoming: Incoming,
        subscriptions: Subscriptions,
        pump: EventPump,
        running: Running,
        slot: DeliverySlot,
    ) -> None:
        self._handle = handle
        self._lifecycle = lifecycle
        self._callbacks = callbacks
        self._incoming = incoming
        self._subscriptions = subscriptions
        self._pump = pump
        self._running = running
        self._slot = slot
        #: The library's client is closed.
        self.library_closed: OneTimeEvent = OneTimeEvent()
        #: All of it is over.
        self.finished: OneTimeEvent = OneTimeEvent()
        _open.add(self)

    def begin(self) -> bool:
        """Ends all subscriptions. False when that was done before."""
        if not self._incoming.shut():
            return False
        self._subscriptions.end_all()
        return True

    def close_library(self, seconds: float) -> None:
        """Closes the library's client. What it calls back is only queued."""
        try:
            lib.drt_client_close(self._handle, max(0, round(seconds * 1000)))
        finally:
            self.library_closed.set()

    def finish(self) -> None:
        """Delivers the last notices, and releases the application's callbacks."""
        if self.finished.is_set():
            return
        self._pump.deliver_last()
        callbacks = self._callbacks()
        if callbacks is not None:
            callbacks.on_state = callbacks.on_token = None
        self._incoming.close_descriptor()
        self.finished.set()

    def close(self, seconds: float, *, here: bool = False) -> bool:
        """All of that; False when a callback still runs after so many seconds.

        The library is closed on a thread of its own, as that cannot be interrupted, or
        on this one with `here`.
        """
        end = time.monotonic() + seconds
        if self.begin():
            if here or self._lifecycle.forked:
                self.close_library(seconds)
            else:
                _thread.start_new_thread(self.close_library, (seconds,))
        if self._lifecycle.forked:
            self.finished.set()
            return True
        ran_before = self._running.current
        if not self.library_closed.wait(seconds + _GRACE_SECONDS):
            return False
        # The closing handshake may have taken the whole timeout. The rest takes no time,
        # unless the callback that ran before still runs.
        grace = time.monotonic() + _GRACE_SECONDS
        while not self.finished.is_set():
            if not self._slot.threaded and self._slot.run(self.finish):
                break
            still_runs = ran_before is not None and self._running.current is ran_before
            limit = end if still_runs else max(end, grace)
            if not self.finished.wait(_POLL_SECONDS) and time.monotonic() >= limit:
                return False
        return True

    def after_fork(self) -> None:
        """In a forked child: the client cannot be used, and no call may hang."""
        self._lifecycle.forked = True
        for part in (self._incoming, self._subscriptions, self._running, self._slot):
            part.after_fork()


#: The clients of this process.
_open: weakref.WeakSet[Closing] = weakref.WeakSet()


def close_garbage(closing: Closing) -> None:
    """Closes a client that was garbage-collected.

    The collector may run on any thread, which may hold any lock. So another one does it.
    """
    with contextlib.suppress(RuntimeError):
        # There are no new threads when the interpreter exits: `_close_all` closes it.
        _thread.start_new_thread(closing.close, (0.0,))


def _close_all() -> None:
    # No thread of the library's may call the interpreter once it has exited.
    for closing in list(_open):
        closing.close(EXIT_SECONDS, here=True)


def _after_fork() -> None:
    for closing in list(_open):
        closing.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
