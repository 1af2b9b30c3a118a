"""What runs now, and on which thread; and whether the client can still be used."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ._errors import ClosedError, ForkedError, WouldDeadlockError
from ._future import Future
from ._subscription_state import SubscriptionState

if TYPE_CHECKING:
    Finalizer = weakref.finalize[Any, Any]


class Lifecycle:
    """One for each client, shared by all of its parts."""

    __slots__ = ("closed", "forked")

    def __init__(self) -> None:
        #: `close` has begun: no event is delivered any more.
        self.closed: bool = False
        #: This process is a forked child of the one that made the client.
        self.forked: bool = False

    def check_process(self) -> None:
        """Raises `ForkedError` in a forked child."""
        if self.forked:
            raise ForkedError("the client belongs to the parent process: make a new one after fork")

    def check_open(self) -> None:
        """Raises `ClosedError` once the client is closed."""
        self.check_process()
        if self.closed:
            raise ClosedError("the client is closed")


class Running:
    """Written by the thread that delivers, read by the others.

    There is no lock here: Ctrl-C could leave it locked. The thread that delivers sets
    `subscription`, then looks whether that has `ended`; once the callback has returned, it
    clears it, then looks for `waiters`. Another thread sets `ended`, then adds itself to the
    waiters, then looks at `subscription`. So one sees the other.
    """

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        #: The subscription whose callback runs.
        self.subscription: SubscriptionState | None = None
        #: The row of the state or token request whose callback runs.
        self.other: object = None
        #: The thread that delivers.
        self.thread: int | None = None
        #: They wait until the callback of a subscription that has ended has returned.
        self.waiters: list[Future] = []

    @property
    def current(self) -> object:
        """Identifies the callback that runs; None where none does."""
        return self.subscription or self.other

    @property
    def is_here(self) -> bool:
        """Whether the caller is inside a callback."""
        return self.thread == threading.get_ident()

    def refuse_in_callback(self, what: str) -> None:
        """Raises where a call that waits for callbacks is made inside of one."""
        self._lifecycle.check_process()
        if self.is_here:
            raise WouldDeadlockError(
                f"{what} inside a callback would wait for that callback: call it elsewhere"
            )

    def callback_returned(self) -> None:
        """Wakes the threads that wait for it."""
        for waiter in list(self.waiters):
            waiter.set_result(None)

    def quiesce(self, states: Iterable[SubscriptionState]) -> None:
        """Waits until no callback of these subscriptions, which have ended, runs.

        Inside a callback it does not wait.
        """
        if self.is_here:
            return
        ended, waiter = set(map(id, states)), Future()
        self.waiters.append(waiter)
        try:
            if id(self.subscription) in ended:
                waiter.wait()
        finally:
            self.waiters.remove(waiter)

    def after_fork(self) -> None:
        """In a forked child, where no callback runs."""
        self.subscription = self.other = self.thread = None


class DeliverySlot:
    """A lock that is safe to interrupt, and that its owner may enter again."""

    def __init__(self, *, threaded: bool) -> None:
        #: The client has a thread that delivers: no other one ever does.
        self.threaded: bool = threaded
        #: The thread that has the slot, under the key 0: `setdefault` is atomic.
        self._owner: dict[int, int] = {}
        #: What other threads wait for, one of which has to deliver when the owner stops.
        self._waiting: dict[int, Future] = {}

    def run(self, work: Callable[[], object]) -> bool:
        """Does the work, unless another thread has the slot: returns False then."""
        if self.threaded:
            return False
        me = threading.get_ident()
        if self._owner.get(0) == me:
            # A signal handler, while this thread waits.
            work()
            return True
        try:
            if self._owner.setdefault(0, me) != me:
                return False
            work()
            return True
        finally:
            if self._owner.get(0) == me:
                del self._owner[0]
                for future in list(self._waiting.values()):
                    future.wake()

    def wait(self, future: Future, seconds: float | None) -> None:
        """Waits until a future has its outcome, or this thread might deliver."""
        me = threading.get_ident()
        self._waiting[me] = future
        try:
            future.wait(seconds, unless=lambda: not self.threaded and not self._owner)
        finally:
            self._waiting.pop(me, None)

    def after_fork(self) -> None:
        """In a forked child, where the owner does not exist."""
        self._owner, self._waiting = {}, {}


def when_gone(thing: object, function: Callable[..., object], *arguments: Any) -> Finalizer:
    """Calls a function once an object has been garbage-collected.

    Not when the interpreter exits: clients are closed then in an order of their own.
    """
    finalizer = weakref.finalize(thing, function, *arguments)
    finalizer.atexit = False  # type: ignore[misc]
    return finalizer
