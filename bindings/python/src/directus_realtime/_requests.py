"""Requests of the synchronous client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ._delivery import Delivery
from ._errors import NotConnectedError, TimeoutError
from ._event import OneTimeEvent
from ._incoming import Incoming
from ._json import dump
from ._link import Link
from ._options import milliseconds
from ._reply import DELIVERY_SECONDS, REQUEST_SECONDS, RETRY_SECONDS, answer_of
from ._running import Running
from ._state import State


class Requests:
    """Sends requests and waits for their replies."""

    def __init__(
        self, incoming: Incoming, link: Link, running: Running, delivery: Delivery
    ) -> None:
        self._incoming = incoming
        self._link = link
        self._running = running
        self._delivery = delivery

    def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message over the link that there is."""
        self._running.refuse_in_callback("request")
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        return self._answer(self._send(dump(message, "message"), seconds), seconds)

    def request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Connects if need be, and sends a message as soon as there is a link."""
        self._running.refuse_in_callback("a request")
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        text, end = dump(message, "message"), time.monotonic() + seconds
        while True:
            self._wait_for_link(seconds, end)
            left = max(0.001, end - time.monotonic())
            try:
                reply = self._send(text, left)
            except NotConnectedError:
                # The link was lost just now, and nothing was sent.
                if time.monotonic() >= end:
                    raise
                time.sleep(RETRY_SECONDS)
                continue
            return self._answer(reply, left)

    def _wait_for_link(self, seconds: float, end: float) -> None:
        link = self._link
        link.check_wanted()
        if link.state() is State.IDLE:
            link.connect()

        def look(ahead: float) -> bool:
            link.check_wanted()
            return link.is_connected() or link.entered(State.CONNECTED, ahead)

        if not self._delivery.until(look, max(0.0, end - time.monotonic())):
            raise link.not_entered(State.CONNECTED, seconds)

    def _send(self, text: bytes, seconds: float) -> _Reply:
        reply = _Reply()
        self._incoming.request(text, milliseconds(seconds, "timeout"), reply)
        return reply

    def _answer(self, reply: _Reply, seconds: float) -> dict[str, Any]:
        if not self._delivery.until(reply.arrived.wait, seconds + DELIVERY_SECONDS):
            raise TimeoutError(
                "the reply was not delivered, because a callback has not returned: run slow"
                " work on another thread"
            )
        return answer_of(reply.status, reply.text, self._link.diagnostics)


class _Reply:
    """A reply that a thread waits for."""

    def __init__(self) -> None:
        self.arrived = OneTimeEvent()
        self.status, self.text = 0, b""

    def arrive(self, status: int, text: bytes) -> None:
        self.status, self.text = status, text
        self.arrived.set()
