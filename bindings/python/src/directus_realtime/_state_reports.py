"""Reports changes of state to the application, and to calls that wait for them."""

from __future__ import annotations

import weakref
from typing import Protocol

from ._callback_runner import CallbackRunner
from ._callbacks import Callbacks
from ._link import Link
from ._state import State, StateChange


class StateObserver(Protocol):
    """A part of the client that follows its states."""

    def before_report(self, change: StateChange) -> None:
        """A change is about to be reported to the application."""

    def after_report(self, change: StateChange) -> None:
        """The application's callback has returned; `link.failure()` is known now."""


class StateReports:
    """Calls `on_state`."""

    def __init__(
        self, callbacks: weakref.ref[Callbacks], link: Link, runner: CallbackRunner
    ) -> None:
        self._callbacks = callbacks
        self._link = link
        self._runner = runner
        self.observers: list[StateObserver] = []

    def report(self, change: StateChange) -> None:
        """Reports a change."""
        diagnostics = self._link.diagnostics
        diagnostics.record(change)
        for observer in self.observers:
            observer.before_report(change)
        callbacks = self._callbacks()
        on_state = None if callbacks is None else callbacks.on_state
        try:
            if on_state is not None:
                self._runner.run(on_state, change)
        finally:
            # The callback may have repaired it, with another token for instance.
            if change.state is State.FAILED and self._link.state() is State.FAILED:
                diagnostics.failed = change
            for observer in self.observers:
                observer.after_report(change)
