"""Brings what waits in the library to the application, batch by batch.

The library is never waited in: its calls cannot be interrupted, and what they bring
would be lost to Ctrl-C. What is waited for is its descriptor. A batch that was left by
an exception is gone on with by whoever delivers next.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import sys
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple

from . import _abi
from ._abi import FLAG_ENDED, lib
from ._errors import check
from ._events import Event, Row, split
from ._holder import Holder
from ._record import Record, refusal_of
from ._registry import find
from ._signals import undisturbed

#: How long to wait in the library, without a look at signals such as Ctrl-C.
SLICE = 0.2
#: How long to wait for another thread's turn to be over before the next look.
GLANCE = 0.02


class Delivery:
    """What a client delivers with."""

    def __init__(self, handle: int, holder: weakref.ref[Holder]) -> None:
        self.handle: int = handle
        self.holder: weakref.ref[Holder] = holder
        self.closed: bool = False
        self.threaded: bool = False
        #: The library closes its own end of the pair when it likes; this one is woken.
        self._fd = os.dup(lib.drt_client_fd(handle))
        #: What to do, with what, and whether doing it twice does no harm.
        self._thunks: deque[tuple[Callable[..., object], tuple[Any, ...], bool]] = deque()
        #: What is being delivered, and how far that has come.
        self._rows: list[Row] | None = None
        self._at = 0
        #: What was drained; empty once it has been taken over.
        self._json, self._length = ctypes.c_void_p(), ctypes.c_size_t()
        self._drained = ctypes.c_size_t()
        #: Callbacks among what was drained.
        self._told = 0
        self.make_locks()

    def make_locks(self) -> None:
        """Fresh ones, also in a forked child, where other threads' stay locked."""
        self.lock: Any = threading.RLock()
        #: Held while a batch is copied: nobody closes the client meanwhile.
        self._copying = threading.Lock()
        #: Whose callback runs, and on which thread callbacks run.
        self._running: Record | None = None
        self.dispatcher: int | None = None
        #: Which thread waits and delivers, under the key 0.
        self._seat: dict[int, int] = {}

    # Waiting

    def listen(self, seconds: float | None) -> bool:
        """Waits until something can be delivered; for ever without a limit."""
        if self._rows is not None or self._thunks or self._length.value or self._fd < 0:
            return True
        return self.is_readable(seconds)

    def is_readable(self, seconds: float | None = 0.0) -> bool:
        """Whether something waits in the library, or comes within so many seconds."""
        if self._fd < 0:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(None if seconds is None else max(0, round(seconds * 1000))))

    def lead(self, work: Callable[[], object]) -> bool:
        """Does what one thread at a time may do, here; False where another one does."""
        me = threading.get_ident()
        if self._seat.get(0) == me:
            # A signal's handler, while this thread waits.
            work()
            return True
        try:
            if self._seat.setdefault(0, me) != me:
                return False
            work()
            return True
        finally:
            if self._seat.get(0) == me:
                del self._seat[0]

    def until(self, look: Callable[[float], bool], seconds: float | None) -> bool:
        """Waits for something that delivery may bring; delivers where nobody else does.

        Args:
            look: Says whether it has happened; waits for it so many seconds at most.
            seconds: The limit; None for none.

        Returns:
            Whether it has happened.
        """
        end = None if seconds is None else time.monotonic() + seconds
        happened = False

        def deliver() -> None:
            nonlocal happened
            happened = look(0)
            if not happened and self.listen(_least(SLICE, end)):
                self.pump()

        while True:
            is_last = end is not None and time.monotonic() >= end
            if self.threaded or not self.lead(deliver):
                happened = look(_least(SLICE, end))
            if happened or is_last:
                return happened

    # Delivering

    def later(
        self, function: Callable[..., object], *arguments: Any, may_repeat: bool = False
    ) -> None:
        """Does something when the library's call is over."""
        self._told += 1
        self._thunks.append((function, arguments, may_repeat))

    def pump(self, most: int = _abi.MOST_EVENTS) -> int:
        """Delivers what is there. One thread at a time.

        Raises `ClosedError` when nothing comes any more.
        """
        self.dispatcher = threading.get_ident()
        try:
            # What an exception has left, such as KeyboardInterrupt.
            done = self.run_thunks() + self._deliver(most)
            if done == 0:
                try:
                    self._drain(most)
                finally:
                    done = self.run_thunks()
                done += self._deliver(most)
            self.tidy()
            self.after_turn()
            return done
        finally:
            self.dispatcher = None

    def after_turn(self) -> None:
        """Something was delivered."""

    def tidy(self) -> None:
        """Does what garbage collection has left to be done."""

    def _drain(self, most: int) -> None:
        self._told = 0

        def drain() -> None:
            check(
                lib.drt_client_drain(
                    self.handle,
                    0,
                    most,
                    ctypes.byref(self._json),
                    ctypes.byref(self._length),
                    ctypes.byref(self._drained),
                )
            )

        undisturbed(drain)

    def _take_over(self) -> None:
        if self._rows is not None or not self._length.value:
            return
        text = b""
        # It is the library's until the client is closed.
        with self._copying:
            if not self.closed:
                text = ctypes.string_at(self._json.value or 0, self._length.value)
        if len(text) > len(b"[]"):
            rows = split(text, self._drained.value - self._told)
            self._at, self._rows = 0, rows
        else:
            self._length.value = 0

    def run_thunks(self) -> int:
        """Does what was put down meanwhile."""
        done = 0
        while self._thunks:
            function, arguments, may_repeat = self._thunks[0]
            done += 1
            if may_repeat:
                # Ours: what is raised in it comes from a signal's handler.
                function(*arguments)
                self._thunks.popleft()
            else:
                self._thunks.popleft()
                self.guard(function, *arguments)
        return done

    def _deliver(self, most: int) -> int:
        self._take_over()
        rows, done = self._rows, 0
        if rows is None:
            return 0
        while self._at < len(rows):
            if done >= most:
                return done
            row = rows[self._at]
            record: Record | None = find(int(row[0]))
            holder = None if record is None else record.holder()
            callback = None
            if record is not None and holder is not None:
                callback = holder.callbacks.get(record.number)
            if record is None or callback is None:
                self._at += 1
                continue
            try:
                # In this order: who ends a subscription sets `ended`, then looks at
                # `_running`. So either sees the other.
                self._running = record
                event = Event(record, row)
                record.answered = True
                self._at += 1
                if not record.ended:
                    done += 1
                    if row[2] != b"0" and int(row[2]) & FLAG_ENDED:
                        self._hand_over_last(record, callback, event)
                    else:
                        callback(event)
            except BaseException as error:
                if self.lets_pass(error):
                    raise
                self.report(error, callback)
            finally:
                self._running = None
            del record, holder, callback
        self._length.value = 0
        self._rows = None
        return done

    def _hand_over_last(
        self, record: Record, callback: Callable[[Event], Any], event: Event
    ) -> None:
        record.refusal = refusal_of(record.uid, event)
        self.forget(record)
        try:
            callback(event)
        finally:
            record.ended = True
            holder = record.holder()
            if holder is not None:
                holder.callbacks.pop(record.number, None)

    def forget(self, record: Record) -> None:
        """The server has refused it: it is not listed any more."""

    def quiesce(self, records: Iterable[Record]) -> None:
        """Waits until none of these callbacks runs; inside of one it does not wait."""
        if self.dispatcher == threading.get_ident():
            return
        ended, pause = set(map(id, records)), 0.001
        # Nothing that would have to be told, and could be left locked by Ctrl-C.
        while id(self._running) in ended:
            time.sleep(pause)
            pause = min(2 * pause, GLANCE)

    # Exceptions

    def lets_pass(self, error: BaseException) -> bool:
        """Whether an exception of a callback's is for whoever delivers: what is meant to
        end the program does that, where this is not a thread of the client's."""
        return not self.threaded and not isinstance(error, (Exception, GeneratorExit))

    def guard(self, function: Callable[..., object], *arguments: Any) -> None:
        """Calls something of the application's, and reports what it raises."""
        try:
            function(*arguments)
        except BaseException as error:
            if self.lets_pass(error):
                raise
            self.report(error, function)

    def report(self, error: BaseException, callback: object) -> None:
        """An exception has left a callback."""
        holder = self.holder()
        hook = None if holder is None else holder.on_error
        if hook is None:
            return unraisable(error, callback)
        try:
            hook(error)
        except BaseException as second:
            unraisable(error, callback)
            if self.lets_pass(second):
                raise
            unraisable(second, hook)

    def close_descriptor(self) -> None:
        """Nobody listens any more."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _least(seconds: float, end: float | None) -> float:
    return seconds if end is None else max(0.0, min(seconds, end - time.monotonic()))


class Unraisable(NamedTuple):
    """What `sys.unraisablehook` is told. Python's own class cannot be had."""

    exc_type: type[BaseException]
    exc_value: BaseException
    exc_traceback: TracebackType | None
    err_msg: str | None
    object: object


def unraisable(error: BaseException, callback: object) -> None:
    """Hands an exception to `sys.unraisablehook`, as Python does for callbacks of C."""
    told = Unraisable(type(error), error, error.__traceback__, "Exception ignored in", callback)
    hook: Callable[[Any], object] = sys.unraisablehook
    with contextlib.suppress(Exception):
        if hook is not sys.__unraisablehook__:
            hook(told)
        elif sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]
            # It takes nothing but that class, and would print just this.
            print(f"{told.err_msg}: {callback!r}", file=sys.stderr)
            traceback.print_exception(told.exc_type, error, told.exc_traceback)
