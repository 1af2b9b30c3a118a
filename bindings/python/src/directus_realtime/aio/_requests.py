"""Requests of the asyncio client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .._errors import NotConnectedError, TimeoutError
from .._incoming import Incoming
from .._json import dump
from .._link import Link
from .._options import milliseconds
from .._reply import DELIVERY_SECONDS, REQUEST_SECONDS, RETRY_SECONDS, answer_of
from .._state import State
from ._flow_control import FlowControl
from ._loop import ClientLoop
from ._waits import Waits


class Requests:
    """Sends requests and awaits their replies."""

    def __init__(
        self, incoming: Incoming, link: Link, loop: ClientLoop, waits: Waits, flow: FlowControl
    ) -> None:
        self._incoming = incoming
        self._link = link
        self._loop = loop
        self._waits = waits
        self._flow = flow

    async def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message over the link that there is."""
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        return await self._answer(self._send(dump(message, "message"), seconds), seconds)

    async def request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Connects if need be, and sends a message as soon as there is a link."""
        link, loop = self._link, self._loop.bind()
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        text, end = dump(message, "message"), loop.time() + seconds
        while True:
            link.check_wanted()
            if not link.is_connected():
                left = max(0.0, end - loop.time())
                if not await self._waits.entered(State.CONNECTED, left):
                    raise link.not_entered(State.CONNECTED, seconds)
            left = max(0.001, end - loop.time())
            try:
                reply = self._send(text, left)
            except NotConnectedError:
                # The link was lost just now, and nothing was sent.
                if loop.time() >= end:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                continue
            return await self._answer(reply, left)

    def _send(self, text: bytes, seconds: float) -> _Reply:
        reply = _Reply(self._loop.bind().create_future())
        self._incoming.request(text, milliseconds(seconds, "timeout"), reply)
        return reply

    async def _answer(self, reply: _Reply, seconds: float) -> dict[str, Any]:
        self._flow.expect(1)
        try:
            if not await self._waits.done(reply.future, seconds + DELIVERY_SECONDS):
                raise TimeoutError(
                    "the reply was not delivered, because a callback has not returned: make"
                    " slow work a coroutine, or run it on another thread"
                )
            return answer_of(*reply.future.result(), self._link.diagnostics)
        finally:
            self._flow.expect(-1)


class _Reply:
    """A reply that a coroutine waits for."""

    def __init__(self, future: asyncio.Future[tuple[int, bytes]]) -> None:
        self.future = future

    def arrive(self, status: int, text: bytes) -> None:
        if not self.future.done() and not self.future.get_loop().is_closed():
            self.future.set_result((status, text))
