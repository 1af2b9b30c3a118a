"""Subscriptions that get changes only (`changes_only=True`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ._events import Event

_logger = logging.getLogger("directus_realtime")


def is_wanted(event: Event[Any]) -> bool:
    """Whether such a subscription gets an event; an error is logged instead."""
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
    """Wraps a callback, and calls it for changes only."""

    def __init__(self, callback: Callable[[Event[Any]], Any]) -> None:
        self._callback = callback

    def __call__(self, event: Event[Any]) -> Any:
        """Passes an event on, or drops it."""
        return self._callback(event) if is_wanted(event) else None

    def __repr__(self) -> str:
        return repr(self._callback)
