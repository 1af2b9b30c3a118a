"""Takes what comes from the library and hands it to callbacks, batch by batch.

A batch that was left by an exception is continued by the next delivery.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from . import _abi
from ._abi import FLAG_ENDED
from ._callback_runner import CallbackRunner
from ._errors import ClosedError, Status
from ._events import Event
from ._future import settle
from ._incoming import Batch, Incoming
from ._link import States
from ._live_state import LiveState
from ._live_updates import take
from ._rows import (
    BEGIN,
    END,
    FLAGS,
    NUMBER,
    RELEASED,
    REPLY,
    ROW,
    STATE,
    TOKEN_WANTED,
    UPDATE,
    Entry,
)
from ._running import Running
from ._state import State, StateChange, change_of
from ._subscription_state import SubscriptionState, refusal_of
from ._subscriptions import Subscriptions
from ._token_requests import TokenRequests


class Pump:
    """Delivers for one client. Only one thread at a time may do so."""

    def __init__(
        self,
        incoming: Incoming,
        subscriptions: Subscriptions,
        states: States,
        tokens: TokenRequests,
        runner: CallbackRunner,
        running: Running,
    ) -> None:
        self._incoming = incoming
        self._subscriptions = subscriptions
        self._states = states
        self._tokens = tokens
        self._runner = runner
        self._running = running

    def deliver(self, most: int = _abi.MOST_ROWS) -> int:
        """Delivers what is there, and returns how many callbacks were due.

        Raises `ClosedError` when nothing will come any more.
        """
        self._running.thread = threading.get_ident()
        try:
            # First what an exception has left here, such as KeyboardInterrupt.
            done = self._deliver_batch(most)
            if done == 0:
                self._incoming.receive(most)
                done = self._deliver_batch(most)
            self._subscriptions.end_dropped()
            self._tokens.after_delivery()
            return done
        finally:
            self._running.thread = None

    def deliver_last(self) -> None:
        """The library's client is closed: delivers the rest, except events, and says so."""
        self._running.thread = threading.get_ident()
        try:
            batch = self._incoming.batch()
            while batch is not None and batch.position < len(batch.entries):
                entry = batch.entries[batch.position]
                if entry[ROW]:
                    self._deliver_other(batch, entry)
                else:
                    batch.position += 1
            error = ClosedError("the client is closed")
            for registration in list(self._incoming.registrations.values()):
                if not isinstance(registration, SubscriptionState):
                    settle(registration, error=error)
            self._incoming.registrations.clear()
            closed = StateChange(State.CLOSED, Status.CLOSED, str(error), error)
            self._call(closed, lambda: self._states.report(closed))
        finally:
            self._running.thread = None

    def _deliver_batch(self, most: int) -> int:
        batch, done = self._incoming.batch(), 0
        if batch is None:
            return 0
        entries, text, running = batch.entries, batch.text, self._running
        # Of successive events of one subscription, only its callback is looked up each time: it
        # may have gone.
        number = 0
        state: Any = None
        while batch.position < len(entries):
            if done >= most:
                return done
            entry = entries[batch.position]
            if entry[ROW]:
                done += self._deliver_other(batch, entry)
                continue
            if entry[NUMBER] != number:
                number = entry[NUMBER]
                state = self._incoming.registrations.get(number)
            callbacks = None if state is None else state.callbacks()
            callback = None if callbacks is None else callbacks.by_subscription.get(number)
            if callback is None:
                batch.position += 1
                continue
            event: Event[Any] = Event(state, entry, text[entry[BEGIN] : entry[END]])
            try:
                # In this order: see `Running`.
                running.subscription = state
                batch.position += 1
                if not state.ended:
                    done += 1
                    if entry[FLAGS] & FLAG_ENDED:
                        self._deliver_refusal(state, callback, event)
                    else:
                        callback(event)
            except BaseException as error:
                if self._runner.passes(error):
                    raise
                self._runner.report(error, callback)
            finally:
                running.subscription = None
                if running.waiters:
                    running.callback_returned()
                if state.waiters or not state.answered:
                    self._note_answer(state, event)
            # This may be all that refers to them.
            del callbacks, callback
        self._incoming.finish_batch()
        return done

    def _note_answer(self, state: SubscriptionState, event: Event[Any]) -> None:
        # Other errors come while the server is asked again.
        if event.type != "error" or state.refusal is not None:
            state.answered = True
            state.wake_waiters()

    def _deliver_refusal(
        self, state: SubscriptionState, callback: Callable[[Event[Any]], Any], event: Event
    ) -> None:
        self._subscriptions.refused(state, refusal_of(state.uid, event.data))
        try:
            callback(event)
        finally:
            state.ended = True
            state.drop_callback()

    def _deliver_other(self, batch: Batch, entry: Entry) -> int:
        """Delivers what is no event; returns how many callbacks were due."""
        kind, text = entry[ROW], batch.text[entry[BEGIN] : entry[END]]
        if kind == RELEASED:
            self._incoming.forget(entry[NUMBER])
            batch.position += 1
            return 0
        if kind == REPLY:
            # Only a signal handler can raise in here. Then it is done again, which does no
            # harm.
            future: Any = self._incoming.registrations.get(entry[NUMBER])
            if future is not None:
                settle(future, text)
            batch.position += 1
            return 1
        if kind == UPDATE:
            return self._deliver_update(batch, entry[NUMBER], text)
        batch.position += 1
        _, *values = json.loads(text)
        if kind == STATE:
            change = change_of(*values)
            self._call(entry, lambda: self._states.report(change))
        elif kind == TOKEN_WANTED:
            (reason,) = values
            self._call(entry, lambda: self._tokens.wanted(reason))
        return 1

    def _deliver_update(self, batch: Batch, number: int, row: bytes) -> int:
        """Applies an update of a live collection, then calls its callback."""
        state: Any = self._incoming.registrations.get(number)
        if not isinstance(state, LiveState) or state.ended:
            batch.position += 1
            return 0
        # A signal handler may raise in here. Then it is done again, which changes nothing twice.
        update = take(state, row)
        callbacks = state.callbacks()
        callback = None if callbacks is None else callbacks.by_subscription.get(state.user_data)
        try:
            # In this order: see `Running`.
            self._running.subscription = state
            batch.position += 1
            if state.ended:
                return 0
            if update.ended:
                self._subscriptions.refused(state, update._refusal())
            if callback is not None:
                callback(update)
        except BaseException as error:
            if self._runner.passes(error):
                raise
            self._runner.report(error, callback)
        finally:
            if update.ended:
                state.ended = True
                state.drop_callback()
                state.end_in_library()
            self._running.subscription = None
            if self._running.waiters:
                self._running.callback_returned()
            state.wake_waiters()
        return 1

    def _call(self, what: object, report: Callable[[], None]) -> None:
        """Reports what may run a callback, which is running meanwhile."""
        try:
            self._running.other = what
            report()
        except BaseException as error:
            if self._runner.passes(error):
                raise
            self._runner.report(error, report)
        finally:
            self._running.other = None
