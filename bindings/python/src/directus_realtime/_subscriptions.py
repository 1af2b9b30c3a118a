"""The subscriptions and scopes of a client.

The library has a list of its own, and this one is changed together with it under one
lock: a subscription that begins while others are ended is in both lists or in neither.
"""

from __future__ import annotations

import ctypes
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ._abi import lib
from ._callbacks import Callbacks
from ._errors import ClosedError, InvalidArgumentError, ServerError, Status, check
from ._events import Event
from ._incoming import Incoming
from ._live_state import LiveState
from ._live_updates import LiveUpdate
from ._options import encode, live_options, subscription_options
from ._running import Lifecycle, Running
from ._subscription_state import Consumer, ScopeState, SubscriptionState

State = TypeVar("State", bound=SubscriptionState)


class Subscriptions:
    """The subscriptions and scopes of one client."""

    def __init__(
        self, handle: int, lifecycle: Lifecycle, incoming: Incoming, running: Running
    ) -> None:
        self._handle = handle
        self._lifecycle = lifecycle
        self._incoming = incoming
        self._running = running
        self._lock = threading.RLock()
        #: Those that have not ended, in the order in which they were made.
        self._by_uid: dict[str, SubscriptionState] = {}
        #: Scopes that were garbage, whose subscriptions are still to be ended.
        self._dropped_scopes: deque[ScopeState] = deque()

    # Beginning

    def subscribe(
        self,
        collection: str,
        callback: Callable[[Event[Any]], Any],
        callbacks: Callbacks,
        scope: ScopeState | None,
        *,
        uid: str | None,
        persistent: bool,
        consumer: Consumer | None = None,
        **options: Any,
    ) -> SubscriptionState:
        """The new subscription, or the one that has its uid already."""
        uid = str(uuid.uuid4()) if uid is None else uid
        raw = subscription_options(collection, uid, persistent=persistent, **options)

        def new() -> SubscriptionState:
            return SubscriptionState(uid, collection, persistent, weakref.ref(callbacks), scope)

        return self._begin(new, lib.drt_subscribe, raw, scope, callbacks, callback, consumer)

    def _begin(
        self,
        new: Callable[[], State],
        function: Callable[..., int],
        options: ctypes.Structure,
        scope: ScopeState | None,
        callbacks: Callbacks,
        callback: Callable[[Any], Any],
        consumer: Consumer | None,
    ) -> State:
        """Begins what is listed among the subscriptions; see `subscribe`.

        Args:
            new: Makes its state.
            function: That of the library.
            options: What the function takes.
            scope: Where it begins.
            callbacks: They will own the callback.
            callback: Called with what is delivered of it.
            consumer: In the asyncio client.
        """
        while True:
            state = new()
            state.consumer = None if consumer is None else weakref.ref(consumer)
            known = self._begin_once(state, function, options, scope, callbacks, callback)
            if not isinstance(known, type(state)) or type(known) is not type(state):
                what = "subscription" if type(known) is SubscriptionState else "live collection"
                raise InvalidArgumentError(f"uid {state.uid!r} is that of a {what}: use another")
            if known is state or not known.is_over:
                return known
            # Another thread is about to end the one that has the uid.
            time.sleep(0)

    def _begin_once(
        self,
        state: SubscriptionState,
        function: Callable[..., int],
        options: ctypes.Structure,
        scope: ScopeState | None,
        callbacks: Callbacks,
        callback: Callable[[Any], Any],
    ) -> SubscriptionState:
        handle, is_new = ctypes.c_void_p(), False
        with self._lock:
            self.end_dropped()
            state.user_data = self._incoming.register(state)
            callbacks.by_subscription[state.user_data] = callback
            try:
                status = function(
                    self._handle,
                    None if scope is None else scope.handle,
                    ctypes.byref(options),
                    None,
                    state.user_data,
                    None,
                    ctypes.byref(handle),
                )
                is_new = check(status) != Status.DUPLICATE
                state.handle = handle.value
                if is_new:
                    # If another one has it, the server has refused that, which is still to be
                    # reported.
                    self._by_uid.pop(state.uid, None)
                    self._by_uid[state.uid] = state
                    return state
                known = self._by_uid.get(state.uid)
                if known is None:
                    raise ClosedError(f"the subscription {state.uid!r} has just ended: try again")
                return known
            except BaseException:
                # It may be an interrupt, after which the new subscription would have no owner.
                if state.handle is None and handle.value is not None:
                    lib.drt_subscription_unsubscribe(handle)
                raise
            finally:
                if not is_new or state.handle is None:
                    # The library does not say that it is done with the number.
                    self._incoming.forget(state.user_data)
                    state.drop_callback()

    def live(
        self,
        collection: str,
        callback: Callable[[LiveUpdate[Any]], Any],
        callbacks: Callbacks,
        scope: ScopeState | None,
        *,
        uid: str | None,
        persistent: bool,
        consumer: Consumer | None = None,
        **options: Any,
    ) -> LiveState:
        """The new live collection, or the one that has its uid already."""
        uid = str(uuid.uuid4()) if uid is None else uid
        raw = live_options(collection, uid, persistent=persistent, **options)

        def new() -> LiveState:
            return LiveState(uid, collection, persistent, weakref.ref(callbacks), scope)

        return self._begin(new, lib.drt_live_open, raw, scope, callbacks, callback, consumer)

    def set_callback(self, state: SubscriptionState, callback: Callable[[Any], Any]) -> None:
        """Replaces the callback of one that has not ended."""
        callbacks = state.callbacks()
        with self._lock:
            if callbacks is not None and not state.is_over:
                callbacks.by_subscription[state.user_data] = callback

    def open_scope(self) -> ScopeState:
        """A new scope."""
        out = ctypes.c_void_p()
        check(lib.drt_scope_new(self._handle, ctypes.byref(out)))
        return ScopeState(out.value or 0)

    # Looking up

    def all(self) -> list[SubscriptionState]:
        """The subscriptions, in the order in which they were made."""
        self._lifecycle.check_process()
        with self._lock:
            self.end_dropped()
            return [state for state in self._by_uid.values() if not state.is_over]

    def has(self, uid: str) -> bool:
        """Whether there is a subscription of that uid."""
        return bool(lib.drt_has_subscription(self._handle, encode(uid, "uid", optional=False)))

    # Catching up

    def resync(self, state: SubscriptionState) -> None:
        """Asks for a fresh snapshot of a subscription."""
        self._lifecycle.check_process()
        # The server may have refused it, which is still to be reported.
        if state.is_over or lib.drt_subscription_resync(state.handle) == Status.INVALID_HANDLE:
            raise ClosedError(f"the subscription {state.uid!r} has ended")

    # Ending

    def refused(self, state: SubscriptionState, refusal: ServerError) -> None:
        """The server has refused a subscription: it is not listed any more."""
        state.refusal = refusal
        with self._lock:
            self._unlist(state)

    def unsubscribe(self, state: SubscriptionState) -> bool:
        """Ends a subscription; False when it had ended.

        Its callback does not run any more when this returns.
        """
        self._lifecycle.check_process()
        with self._lock:
            was_there = self._end(state)
            if was_there:
                status = state.end_in_library()
                # The server may have refused it, which is still to be reported.
                if status != Status.INVALID_HANDLE:
                    check(status)
        self._running.quiesce([state])
        return was_there

    def unsubscribe_uid(self, uid: str) -> bool:
        """The same by uid."""
        encode(uid, "uid", optional=False)
        with self._lock:
            self.end_dropped()
            state = self._by_uid.get(uid)
        if state is None:
            self._lifecycle.check_open()
            return False
        return self.unsubscribe(state)

    def unsubscribe_collection(self, collection: str) -> int:
        """Ends the subscriptions of a collection that are not persistent; their number."""
        number = ctypes.c_size_t()
        name = encode(collection, "collection", optional=False)
        self._end_where(
            lambda: lib.drt_unsubscribe_collection(self._handle, name, ctypes.byref(number)),
            lambda state: not state.persistent and state.collection == collection,
        )
        return number.value

    def unsubscribe_all(self) -> int:
        """Ends the subscriptions that are not persistent; their number."""
        number = ctypes.c_size_t()
        self._end_where(
            lambda: lib.drt_unsubscribe_all(self._handle, ctypes.byref(number)),
            lambda state: not state.persistent,
        )
        return number.value

    def close_scope(self, scope: ScopeState) -> None:
        """Ends the subscriptions of a scope that are not persistent."""
        scope.closed = True

        def close() -> int:
            lib.drt_scope_close(scope.handle)
            return Status.OK

        self._end_where(close, lambda state: state.scope is scope)

    def drop_scope(self, scope: ScopeState) -> None:
        """Closes a scope that was garbage-collected.

        The collector may run on any thread, which may hold any lock. So this takes none,
        and leaves to `end_dropped` what needs one.
        """
        scope.closed = True
        lib.drt_scope_close(scope.handle)
        self._dropped_scopes.append(scope)

    def end_dropped(self) -> None:
        """Ends the subscriptions of scopes that were garbage-collected."""
        if not self._dropped_scopes:
            return
        with self._lock:
            while self._dropped_scopes:
                scope = self._dropped_scopes.popleft()
                for state in list(self._by_uid.values()):
                    if state.scope is scope:
                        self._end(state)

    def end_all(self) -> None:
        """The client is closed: ends all subscriptions, but does not wait for callbacks."""
        with self._lock:
            for state in list(self._by_uid.values()):
                self._end(state)

    def _end_where(
        self, act: Callable[[], int], matches: Callable[[SubscriptionState], bool]
    ) -> None:
        with self._lock:
            check(act())
            ended = [state for state in self._by_uid.values() if matches(state)]
            for state in ended:
                self._end(state)
        self._running.quiesce(ended)

    def _end(self, state: SubscriptionState) -> bool:
        was_there, state.ended = not state.is_over, True
        self._unlist(state)
        # Before the callback is dropped, which may be all that refers to the consumer.
        consumer = None if state.consumer is None else state.consumer()
        state.drop_callback()
        if consumer is not None:
            consumer.end()
        state.wake_waiters()
        return was_there

    def _unlist(self, state: SubscriptionState) -> None:
        if self._by_uid.get(state.uid) is state:
            del self._by_uid[state.uid]

    def after_fork(self) -> None:
        """In a forked child, where another thread may have held the lock."""
        self._lock = threading.RLock()
