"""Which callback runs now, and on which thread."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ._errors import WouldDeadlockError
from ._future import Future
from ._lifecycle import Lifecycle
from ._subscription_state import SubscriptionState


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
