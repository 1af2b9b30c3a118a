"""Which callback runs now, and on which thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from ._errors import WouldDeadlockError
from ._lifecycle import Lifecycle
from ._subscription_state import SubscriptionState

#: How long to sleep between two looks at a callback that runs.
_POLL_SECONDS = 0.02


class Running:
    """Written by the thread that delivers, read by the others.

    There is no lock or event here: Ctrl-C could leave it locked.
    """

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        #: The subscription whose callback runs.
        self.subscription: SubscriptionState | None = None
        #: The notice whose callback runs.
        self.notice: object = None
        #: The thread that delivers.
        self.thread: int | None = None

    @property
    def current(self) -> object:
        """Identifies the callback that runs; None where none does."""
        return self.subscription or self.notice

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

    def quiesce(self, states: Iterable[SubscriptionState]) -> None:
        """Waits until no callback of these subscriptions runs.

        Inside a callback it does not wait.
        """
        if self.is_here:
            return
        ended, pause = set(map(id, states)), 0.001
        while id(self.subscription) in ended:
            time.sleep(pause)
            pause = min(2 * pause, _POLL_SECONDS)

    def after_fork(self) -> None:
        """In a forked child, where no callback runs."""
        self.subscription = self.notice = self.thread = None
