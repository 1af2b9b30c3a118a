"""Who has subscribed to what, by the number that the library knows it by.

The library's own book and this one are changed together, under one lock: what begins
while others are ended is in both or in neither.
"""

from __future__ import annotations

import ctypes
import functools
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from . import _abi
from ._abi import lib
from ._delivery import Delivery
from ._errors import ClosedError, ForkedError, Status, check
from ._events import Event
from ._holder import Holder
from ._options import encode, subscription_options
from ._record import Record, ScopeRecord
from ._registry import register, release
from ._signals import undisturbed


class Book(Delivery):
    """What a client knows of its subscriptions and scopes."""

    def __init__(self, handle: int, holder: weakref.ref[Holder]) -> None:
        super().__init__(handle, holder)
        self.forked: bool = False
        self._records: dict[int, Record] = {}
        self._by_uid: dict[str, Record] = {}
        #: Scopes that were garbage, and are still to be cleared away.
        self._gone: deque[ScopeRecord] = deque()

    def subscribe(
        self,
        collection: str,
        consume: Callable[[Event], Any],
        holder: Holder,
        scope: ScopeRecord | None,
        *,
        uid: str | None,
        persistent: bool,
        lane: Any = None,
        **options: Any,
    ) -> Record:
        """The new subscription, or the one that has its uid already."""
        uid = str(uuid.uuid4()) if uid is None else uid
        raw = subscription_options(collection, uid, persistent=persistent, **options)
        record = Record(uid, collection, persistent, weakref.ref(holder), scope)
        record.lane = None if lane is None else weakref.ref(lane)
        while True:
            record.number = register(record)
            holder.callbacks[record.number] = consume
            known = undisturbed(functools.partial(self._subscribe, record, raw, scope))
            if known is not record:
                holder.callbacks.pop(record.number, None)
            if known is record or not known.is_over:
                return known
            # Its end is under way.
            time.sleep(0)

    def _subscribe(self, record: Record, raw: Any, scope: ScopeRecord | None) -> Record:
        out = ctypes.c_void_p()
        with self.lock:
            self.tidy()
            status = lib.drt_subscribe(
                self.handle,
                scope.handle if scope is not None else None,
                ctypes.byref(raw),
                _abi.NO_EVENTS,
                record.number,
                release,
                ctypes.byref(out),
            )
            known = self._by_uid.get(record.uid)
            if status == Status.DUPLICATE and known is not None:
                return known
            if status == Status.DUPLICATE:
                raise ClosedError(f"the subscription {record.uid!r} has just ended: try again")
            if status < 0:
                holder = record.holder()
                if holder is not None:
                    holder.callbacks.pop(record.number, None)
                check(status)
            if known is not None:
                # The server has refused it, which its callback will be told.
                self._unlist(known)
            record.handle = out.value
            self._records[record.number] = record
            self._by_uid[record.uid] = record
            return record

    def records(self) -> list[Record]:
        """The subscriptions, in the order in which they were made."""
        self.check_process()
        with self.lock:
            self.tidy()
            return [record for record in self._records.values() if not record.is_over]

    def unsubscribe(self, record: Record) -> bool:
        """Ends a subscription; False when it had ended. Its callback does not run
        any more when this returns."""
        self.check_process()
        with self.lock:
            was_there = self._end(record)
            if was_there:
                status = lib.drt_subscription_unsubscribe(record.handle)
                # Refused by the server, and nobody has been told.
                if status != Status.INVALID_HANDLE:
                    check(status)
        self.quiesce([record])
        return was_there

    def unsubscribe_uid(self, uid: str) -> bool:
        """The same by uid."""
        encode(uid, "uid", optional=False)
        with self.lock:
            self.tidy()
            record = self._by_uid.get(uid)
        if record is None:
            self.check_open()
            return False
        return self.unsubscribe(record)

    def unsubscribe_collection(self, collection: str) -> int:
        """Ends what is not persistent of a collection; how many those are."""
        number = ctypes.c_size_t()
        name = encode(collection, "collection", optional=False)
        self._end_all(
            lambda: lib.drt_unsubscribe_collection(self.handle, name, ctypes.byref(number)),
            lambda record: not record.persistent and record.collection == collection,
        )
        return number.value

    def unsubscribe_all(self) -> int:
        """Ends what is not persistent; how many those are."""
        number = ctypes.c_size_t()
        self._end_all(
            lambda: lib.drt_unsubscribe_all(self.handle, ctypes.byref(number)),
            lambda record: not record.persistent,
        )
        return number.value

    def open_scope(self) -> ScopeRecord:
        """A scope of the library's."""
        out = ctypes.c_void_p()
        check(lib.drt_scope_new(self.handle, ctypes.byref(out)))
        return ScopeRecord(out.value or 0)

    def close_scope(self, scope: ScopeRecord) -> list[Record]:
        """Ends what is not persistent of a scope; which those are."""
        scope.closed = True

        def close() -> int:
            lib.drt_scope_close(scope.handle)
            return Status.OK

        return self._end_all(close, lambda record: record.scope is scope)

    def drop_scope(self, scope: ScopeRecord) -> None:
        """Closes a scope that nobody holds any more.

        Called by the garbage collector, on any thread, which may hold any lock. So this
        takes none, and leaves to others what needs one.
        """
        scope.closed = True
        lib.drt_scope_close(scope.handle)
        self._gone.append(scope)

    def tidy(self) -> None:
        if not self._gone:
            return
        with self.lock:
            while self._gone:
                scope = self._gone.popleft()
                for record in list(self._records.values()):
                    if record.scope is scope:
                        self._end(record)

    def _end_all(self, act: Callable[[], int], which: Callable[[Record], bool]) -> list[Record]:
        # One step: what is subscribed meanwhile is ended by both or by neither.
        with self.lock:
            check(act())
            ended = [record for record in list(self._records.values()) if which(record)]
            for record in ended:
                self._end(record)
        self.quiesce(ended)
        return ended

    def _end(self, record: Record) -> bool:
        was_there, record.ended = not record.is_over, True
        self._unlist(record)
        holder = record.holder()
        if holder is not None:
            holder.callbacks.pop(record.number, None)
        return was_there

    def _unlist(self, record: Record) -> None:
        self._records.pop(record.number, None)
        if self._by_uid.get(record.uid) is record:
            del self._by_uid[record.uid]

    def forget(self, record: Record) -> None:
        with self.lock:
            self._unlist(record)

    def check_process(self) -> None:
        """Raises `ForkedError` in a forked child."""
        if self.forked:
            raise ForkedError("the client belongs to the process that this one was forked from")

    def check_open(self) -> None:
        """Raises `ClosedError` where that is the case."""
        self.check_process()
        if self.closed:
            raise ClosedError("the client is closed")
