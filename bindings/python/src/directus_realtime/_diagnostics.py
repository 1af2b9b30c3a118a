"""Why a client is not connected, for the calls that wait until it is."""

from __future__ import annotations

import re

from ._errors import DirectusRealtimeError, error_for
from ._state import State, StateChange

_NEXT_ATTEMPT = re.compile(r"; next attempt in [\d.]+ s$")


class Diagnostics:
    """Follows the states of a client as they are reported."""

    def __init__(self) -> None:
        #: The last change that was reported.
        self._last: StateChange | None = None
        #: What went wrong since the client was connected.
        self._problem: StateChange | None = None
        #: Why the client has failed, once its `on_state` callback has returned.
        self.failed: StateChange | None = None
        #: The `on_token` callback runs.
        self.awaits_token: bool = False

    def record(self, change: StateChange) -> None:
        """A state is reported."""
        self._last, self.failed = change, None
        if change.state is State.CONNECTED:
            self._problem = None
        elif change.reason < 0 and change.state is not State.CLOSED:
            self._problem = change

    def explain(self, sentence: str) -> str:
        """A sentence, and why the client is not connected, as far as that is known."""
        change = self._problem or self._last
        if change is not None and change.state in (State.CONNECTED, State.CLOSED):
            return sentence
        if self.awaits_token:
            return f"{sentence}: the on_token callback has not returned a token yet"
        if change is None:
            return sentence
        return f"{sentence}: {_NEXT_ATTEMPT.sub('', change.message)}"

    def failure(self) -> DirectusRealtimeError | None:
        """A fresh exception that says why the client has failed."""
        change = self.failed
        return None if change is None else error_for(change.reason, change.message)
