"""Subscriptions that are only interested in changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ._events import Event

_logger = logging.getLogger("directus_realtime")


def is_wanted(event: Event) -> bool:
    """Whether a handler of changes gets an event; logs the errors that it does not get."""
    if event.type == "error":
        error = event.data if isinstance(event.data, dict) else {}
        _logger.log(
            logging.ERROR if event.ended else logging.WARNING,
            "the server %s %r: %s: %s",
            "refused the subscription" if event.ended else "withheld an event of",
            event.uid,
            error.get("code", "?"),
            error.get("message", "no reason was given"),
        )
    return event.is_change


class ChangesOnly:
    """A callback that is called for changes alone."""

    def __init__(self, callback: Callable[[Event], Any]) -> None:
        self._callback = callback

    def __call__(self, event: Event) -> Any:
        """An event has come."""
        return self._callback(event) if is_wanted(event) else None

    def __repr__(self) -> str:
        return repr(self._callback)
