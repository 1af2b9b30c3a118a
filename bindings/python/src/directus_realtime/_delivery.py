"""Which thread of the synchronous client delivers: its own, or one that waits or dispatches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from . import _abi
from ._calls import Result, Steps
from ._closing import Closing
from ._core import Core
from ._errors import ClosedError, InvalidArgumentError
from ._future import Awaited, Future, left_until, settle


class Delivery:
    """Delivers for one client, and is how its calls wait."""

    advice = "run slow work on another thread"
    goes_by_rows = False

    def __init__(self, core: Core, closing: Closing) -> None:
        self._core = core
        self._closing = closing
        self._slot = core.slot

    # As `Waiting`

    def future(self) -> Awaited:
        """Something to wait for."""
        return Future()

    def finished(self, steps: Steps[Result]) -> Result:
        """The result of a call, at whose waits this thread blocks."""
        goes_on: Any = None
        error: Exception | None = None
        try:
            while True:
                wait = steps.send(goes_on) if error is None else steps.throw(error)
                try:
                    goes_on, error = self._until(*wait), None
                except Exception as raised:
                    error = raised
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            steps.close()

    def _until(
        self,
        future: Awaited,
        end: float | None,
        in_library: Callable[[int], int] | None,
        is_reply: bool,
    ) -> bool:
        """Waits until a future has its outcome; delivers unless another thread does."""
        assert isinstance(future, Future)
        is_watched = in_library is None

        def deliver() -> None:
            self._deliver(left_until(end))

        while True:
            if not self._slot.run(deliver):
                if in_library is not None and not is_watched:
                    is_watched = True
                    # The thread that delivers may be in a callback for long.
                    watch = self._core.link.watch
                    watch(in_library, end, lambda error: settle(future, error=error))
                self._slot.wait(future, left_until(end))
            if future.done():
                return True
            if left_until(end) == 0:
                return False

    # On the application's threads

    def check_unthreaded(self) -> None:
        """Raises where the client has a thread of its own."""
        if self._slot.threaded:
            raise InvalidArgumentError("this client has a thread: make it with thread=False")

    def dispatch(self, timeout: float | None, most: int) -> int:
        """Runs callbacks that are due, and waits for the first of them."""
        self.check_unthreaded()
        end = None if timeout is None else time.monotonic() + timeout
        done = 0

        def deliver() -> None:
            nonlocal done
            done = self._deliver(left_until(end), most)

        while True:
            self._core.lifecycle.check_open()
            if not self._slot.run(deliver):
                self._slot.wait(Future(), left_until(end))
            if done > 0 or left_until(end) == 0:
                return done

    def run(self) -> None:
        """Delivers until the client is closed. Raises the reason when it fails."""
        while not self._core.lifecycle.closed:
            self._core.states.raise_failure()
            try:
                self.dispatch(None, _abi.MOST_ROWS)
            except ClosedError:
                return

    def _deliver(self, seconds: float | None, most: int = _abi.MOST_ROWS) -> int:
        try:
            return self._core.pump.deliver(most) if self._core.incoming.wait(seconds) else 0
        finally:
            if self._closing.library_closed.done():
                # The thread that closes the client could not finish during this.
                self._closing.finish()


def start_thread(core: Core, closing: Closing) -> threading.Thread:
    """Starts the client's own thread, which refers to the core, never to its client."""
    thread = threading.Thread(
        target=_deliver, args=(core, closing), name="directus-realtime", daemon=True
    )
    thread.start()
    return thread


def _deliver(core: Core, closing: Closing) -> None:
    while True:
        try:
            core.incoming.wait(None)
            core.pump.deliver()
        except ClosedError:
            break
        except BaseException as error:
            # A bug of this package. It is reported, and delivery continues.
            core.runner.report(error, _deliver)
    closing.library_closed.wait()
    closing.finish()
