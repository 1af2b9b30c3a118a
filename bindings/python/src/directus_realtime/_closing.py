"""The end of a client: `close`, garbage collection, the interpreter's exit, a fork."""

from __future__ import annotations

import atexit
import os
import time
import weakref

from ._abi import lib
from ._core import Core
from ._future import Future, left_until, on_a_thread

#: How long a client may take to close when the interpreter exits.
EXIT_SECONDS = 1.0
#: How long closing may take beyond its timeout, if no callback is in its way.
_GRACE_SECONDS = 1.0


class Closing:
    """Closes one client.

    In three steps: `begin` ends the subscriptions, `close_library` closes the library's
    client, and `finish` reports that, where callbacks run.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        #: The library's client is closed.
        self.library_closed: Future = Future()
        #: All of it is over.
        self.finished: Future = Future()
        _open.add(self)

    def begin(self) -> bool:
        """Ends all subscriptions. False when that was done before."""
        if not self._core.incoming.shut():
            return False
        self._core.subscriptions.end_all()
        return True

    def close_library(self, seconds: float) -> None:
        """Closes the library's client, which calls nothing back."""
        try:
            lib.drt_client_close(self._core.handle, max(0, round(seconds * 1000)))
        finally:
            self.library_closed.set_result(None)

    def finish(self) -> None:
        """Delivers what is left, and releases the application's callbacks."""
        core = self._core
        if self.finished.done():
            return
        core.pump.deliver_last()
        callbacks = core.callbacks()
        if callbacks is not None:
            callbacks.on_state = callbacks.on_token = None
        core.incoming.close_descriptor()
        self.finished.set_result(None)

    def close(self, seconds: float, *, here: bool = False) -> bool:
        """All of that; False when a callback still runs after so many seconds.

        The library is closed on a thread of its own, as that cannot be interrupted, or
        on this one with `here`.
        """
        core = self._core
        end = time.monotonic() + seconds
        begins = self.begin()
        if core.lifecycle.forked:
            self.finished.set_result(None)
            return True
        if begins and (here or not on_a_thread(lambda: self.close_library(seconds))):
            self.close_library(seconds)
        ran_before = core.running.current
        if not self.library_closed.wait(seconds + _GRACE_SECONDS):
            return False
        # The closing handshake may have taken the whole timeout. The rest takes no time,
        # unless the callback that ran before still runs.
        grace = time.monotonic() + _GRACE_SECONDS
        if self._finished_by(end):
            return True
        still_runs = ran_before is not None and core.running.current is ran_before
        return not still_runs and self._finished_by(grace)

    def _finished_by(self, end: float) -> bool:
        """Finishes on this thread, or waits until the one that delivers has done it."""
        slot = self._core.slot
        while not self.finished.done() and not slot.run(self.finish):
            left = left_until(end)
            slot.wait(self.finished, left)
            if left == 0:
                break
        return self.finished.done()

    def after_fork(self) -> None:
        """In a forked child: the client cannot be used, and no call may hang."""
        core = self._core
        core.lifecycle.forked = True
        for part in (core.incoming, core.subscriptions, core.running, core.slot):
            part.after_fork()


#: The clients of this process.
_open: weakref.WeakSet[Closing] = weakref.WeakSet()


def close_garbage(closing: Closing) -> None:
    """Closes a client that was garbage-collected.

    The collector may run on any thread, which may hold any lock. So another one does it.
    When the interpreter exits, and there are no new threads, `_close_all` does.
    """
    on_a_thread(lambda: closing.close(0.0))


def _close_all() -> None:
    # So that the server gets a close frame.
    for closing in list(_open):
        closing.close(EXIT_SECONDS, here=True)


def _after_fork() -> None:
    for closing in list(_open):
        closing.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
