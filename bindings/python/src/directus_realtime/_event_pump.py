"""Takes what comes from the library and hands it to callbacks, batch by batch.

A batch that was left by an exception is continued by the next delivery.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from . import _abi
from ._abi import FLAG_ENDED
from ._callback_runner import CallbackRunner
from ._events import Event
from ._incoming import Incoming
from ._notices import Notice, ReplyArrived, StateChanged
from ._running import Running
from ._state_reports import StateReports
from ._subscription_state import SubscriptionState, refusal_of
from ._subscriptions import Subscriptions
from ._token_requests import TokenRequests


class EventPump:
    """Delivers for one client. Only one thread at a time may do so."""

    def __init__(
        self,
        incoming: Incoming,
        subscriptions: Subscriptions,
        states: StateReports,
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

    def deliver(self, max_events: int = _abi.MOST_EVENTS) -> int:
        """Delivers what is there, and returns how many callbacks were due.

        Raises `ClosedError` when nothing will come any more.
        """
        self._running.thread = threading.get_ident()
        try:
            # First what an exception has left here, such as KeyboardInterrupt.
            done = self._handle_notices() + self._deliver_events(max_events)
            if done == 0:
                try:
                    self._incoming.receive(max_events)
                finally:
                    done = self._handle_notices()
                done += self._deliver_events(max_events)
            self._subscriptions.end_dropped()
            self._tokens.after_delivery()
            return done
        finally:
            self._running.thread = None

    def deliver_last(self) -> None:
        """Delivers the notices that came while the client was closed."""
        self._running.thread = threading.get_ident()
        try:
            self._handle_notices()
        finally:
            self._running.thread = None

    def _handle_notices(self) -> int:
        notices, done = self._incoming.notices, 0
        while notices:
            notice = notices[0]
            done += 1
            if isinstance(notice, ReplyArrived):
                # Only a signal handler can raise in here. Then the notice is handled again,
                # which does no harm.
                notice.reply.arrive(notice.status, notice.text)
                notices.popleft()
                continue
            try:
                self._running.notice = notice
                notices.popleft()
                self._report(notice)
            finally:
                self._running.notice = None
        return done

    def _report(self, notice: Notice) -> None:
        try:
            if isinstance(notice, StateChanged):
                self._states.report(notice.change)
            elif not isinstance(notice, ReplyArrived):
                self._tokens.ask(notice.error)
        except BaseException as error:
            if self._runner.passes(error):
                raise
            self._runner.report(error, self._report)

    def _deliver_events(self, max_events: int) -> int:
        batch, done = self._incoming.batch(), 0
        if batch is None:
            return 0
        rows, subscription_of, running = batch.rows, self._incoming.subscription_of, self._running
        while batch.position < len(rows):
            if done >= max_events:
                return done
            row = rows[batch.position]
            state = subscription_of(row)
            callbacks = None if state is None else state.callbacks()
            callback = None
            if state is not None and callbacks is not None:
                callback = callbacks.by_subscription.get(state.user_data)
            if state is None or callback is None:
                batch.position += 1
                continue
            try:
                # In this order: see `Subscriptions._end`.
                running.subscription = state
                event = Event(state, row)
                state.answered = True
                batch.position += 1
                if not state.ended:
                    done += 1
                    if row[2] != b"0" and int(row[2]) & FLAG_ENDED:
                        self._deliver_refusal(state, callback, event)
                    else:
                        callback(event)
            except BaseException as error:
                if self._runner.passes(error):
                    raise
                self._runner.report(error, callback)
            finally:
                running.subscription = None
            # The next event may be a while away.
            del state, callbacks, callback
        self._incoming.finish_batch()
        return done

    def _deliver_refusal(
        self, state: SubscriptionState, callback: Callable[[Event], Any], event: Event
    ) -> None:
        self._subscriptions.refused(state, refusal_of(state.uid, event.data))
        try:
            callback(event)
        finally:
            state.ended = True
            state.drop_callback()
