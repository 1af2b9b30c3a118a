"""The asyncio client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from .. import _hooks
from .._abi import lib
from .._client import REQUEST_GRACE, REQUEST_SECONDS, RETRY_SECONDS
from .._core import when_gone
from .._errors import NotConnectedError, TimeoutError, check
from .._holder import Holder
from .._json import dump
from .._options import (
    AuthMode,
    Events,
    Granularity,
    Key,
    Snapshot,
    limit,
    milliseconds,
)
from .._query import Query
from .._registry import register, release
from .._reply import answer_of
from .._state import State, StateName, state_of
from .._surface import Surface, make_options
from ._core import AioCore, abandon
from ._items import Items
from ._scope import Scope
from ._subscribe import Callback, subscribe, view_of
from ._subscription import Subscription


class Client(Surface[AioCore]):
    """A client of a Directus server, on an event loop.

    Callbacks run on the loop, one after the other; they may be coroutine functions. The
    loop is the one that runs when the client is first used. All methods are to be called
    on the loop's thread.

    There is no thread, but for the moment that `close` takes.

    A client ends with its `async with` block, with `close`, or when nobody holds it any
    more. The arguments are those of `directus_realtime.Client`, without `thread`.

    Raises:
        InvalidArgumentError: An argument is wrong; the message names it.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        access_token: str | None = None,
        email: str | None = None,
        password: str | None = None,
        refresh_token: str | None = None,
        auth_mode: AuthMode = "handshake",
        connect_timeout: float | None = None,
        ack_timeout: float | None = None,
        heartbeat: float | None = None,
        reconnect_min: float | None = None,
        reconnect_max: float | None = None,
        reconnect_attempts: int = 0,
        queue_bytes: int = 0,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        client_cert_file: str | os.PathLike[str] | None = None,
        client_key_file: str | os.PathLike[str] | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        max_message_bytes: int = 0,
        send_queue_bytes: int = 0,
    ) -> None:
        given = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "url", "__class__")
        }
        self._holder = Holder()
        self._core = AioCore(make_options(url, given), self._holder)
        self._leaving: asyncio.Future[None] | None = None
        self._finish = when_gone(self, abandon, self._core)

    def connect(self) -> None:
        """Starts to connect, and returns at once. The first subscription does that, too."""
        _ = self._core.loop
        super().connect()

    def reconnect(self) -> None:
        """Drops the link, if there is one, and connects now, whatever the backoff."""
        _ = self._core.loop
        super().reconnect()

    async def subscribe(
        self,
        collection: str,
        callback: Callback | None = None,
        *,
        query: Query | None = None,
        uid: str | None = None,
        persistent: bool = False,
        event: Events | None = None,
        item: Key | None = None,
        primary_key: str = "id",
        granularity: Granularity = "item",
        snapshot: Snapshot = "exact",
        changes_only: bool = False,
    ) -> Subscription:
        """Follows a collection, or an item of it; see `directus_realtime.Client.subscribe`.

        It does not wait for the server: `await subscription.wait()` does, and raises why
        the server has refused it. So it returns at once also where there is no link yet.

        Args:
            collection: The collection's name.
            callback: A function or coroutine function for each `Event`, which gets them
                one after the other; None to iterate over the subscription instead.
            query: `fields`, `filter`, `sort`, `limit`, `deep`, `meta` …
            uid: A name of your own; where it is taken, the subscription that has it is
                returned, and the callback is not used.
            persistent: Whether it survives `unsubscribe_all`, `unsubscribe_collection`
                and scopes.
            event: The kinds of changes that are wanted; None for all, with snapshots.
                With it, the `init` events that come first and after each gap have no
                data.
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key's field.
            granularity: `"item"` or `"message"`.
            snapshot: `"exact"` or `"server"`.
            changes_only: Whether `create`, `update` and `delete` are all that comes.
                Errors go to the log then, and gaps are not seen.

        Raises:
            InvalidArgumentError: An argument is wrong; the message names it.
            ClosedError: The client is closed.
        """
        return subscribe(
            self,
            None,
            collection,
            callback,
            query=query,
            uid=uid,
            persistent=persistent,
            event=event,
            item=item,
            primary_key=primary_key,
            granularity=granularity,
            snapshot=snapshot,
            changes_only=changes_only,
        )

    def scope(self) -> Scope:
        """A scope, whose subscriptions end together: `async with client.scope() as scope:`."""
        return Scope(self)

    def get_active_subscriptions(self) -> list[Subscription]:
        """The subscriptions, in the order in which they were made."""
        return [view_of(self._core, record) for record in self._core.records()]

    def items(self, collection: str) -> Items:
        """The items of a collection, to be read and written over the client's link."""
        return Items(self._request_when_connected, collection)

    async def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message and waits for the server's answer.

        It does not wait for the link: `wait` does, and what `items` returns. When this is
        cancelled the server may still do what it was asked.

        Args:
            message: A JSON object with a `type`, for instance `items`.
            timeout: Seconds for the answer; None means 30.

        Returns:
            The server's message.

        Raises:
            ServerError: The server has answered with an error.
            NotConnectedError: There is no usable link, or it was lost meanwhile.
            TimeoutError: The server has not answered in time.
        """
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        return await self._answer(self._ask(dump(message, "message"), seconds), seconds)

    async def _request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """The same, but waits for the link as well."""
        core, loop = self._core, self._core.loop
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        text, end = dump(message, "message"), loop.time() + seconds
        while True:
            core.check_wanted()
            if not self.is_connected:
                left = max(0.0, end - loop.time())
                if not await self._enters(State.CONNECTED, left):
                    raise core.not_entered(State.CONNECTED, seconds)
            left = max(0.001, end - loop.time())
            try:
                reply = self._ask(text, left)
            except NotConnectedError:
                # Lost just now; nothing was sent.
                if loop.time() >= end:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                continue
            return await self._answer(reply, left)

    def _ask(self, text: bytes, seconds: float) -> _Reply:
        core, ms = self._core, milliseconds(seconds, "timeout")
        reply = _Reply(core, core.loop.create_future())
        number = register(reply)
        check(lib.drt_request(core.handle, text, ms, _hooks.on_reply, number, release))
        return reply

    async def _answer(self, reply: _Reply, seconds: float) -> dict[str, Any]:
        core = self._core
        core.expect(1)
        try:
            if not await core.come(reply.future, seconds + REQUEST_GRACE, None):
                raise TimeoutError("callbacks that have not returned hold up the server's answer")
            return answer_of(*reply.future.result(), core.diagnostics)
        finally:
            core.expect(-1)

    async def wait(
        self, state: State | StateName = State.CONNECTED, timeout: float | None = None
    ) -> None:
        """Connects if need be, and waits until a state is entered.

        Args:
            state: The state to wait for.
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: It was not entered in time; the message says why the client is not
                connected. For `connected` it is a `ConnectTimeoutError`.
            DirectusRealtimeError: `failed` or `closed` was entered instead; this is why.
        """
        wanted, seconds = state_of(state), limit(timeout, "timeout")
        if not await self._enters(wanted, seconds):
            raise self._core.not_entered(wanted, seconds)

    async def _enters(self, wanted: State, seconds: float | None) -> bool:
        """Whether a state is entered within so many seconds."""
        core = self._core
        if wanted is State.CONNECTED and self.state is State.IDLE:
            self.connect()
        if core.entered(wanted, 0):
            return True
        waiter: asyncio.Future[None] = core.loop.create_future()
        core.state_waiters[waiter] = wanted
        try:
            if not await core.come(waiter, seconds, lambda: core.entered(wanted, 0)):
                return False
            waiter.result()
            return True
        finally:
            del core.state_waiters[waiter]

    async def run(self) -> None:
        """Waits until the client is closed; for programs that live by their callbacks.

        Raises:
            DirectusRealtimeError: The client has failed; this is why. The subscriptions
                are kept: after `set_token`, `connect` or `reconnect`, `run` goes on.
        """
        core, loop = self._core, self._core.loop
        while not core.closed:
            core.raise_failure()
            waiter: asyncio.Future[None] = loop.create_future()
            core.end_waiters.add(waiter)
            try:
                await waiter
            finally:
                core.end_waiters.discard(waiter)

    async def close(self, timeout: float = 5.0) -> None:
        """Closes the client and ends all its subscriptions; further calls do nothing.

        Callbacks that are coroutines are cancelled, and have ended when this returns,
        but for one that it was called in. When this is cancelled the client closes all
        the same, and whoever calls it again waits for that.

        Args:
            timeout: Seconds for a polite farewell.
        """
        core, seconds = self._core, limit(timeout, "timeout") or 0.0
        self._finish.detach()
        if core.forked:
            core.close(0)
            return
        here = asyncio.current_task()
        if self._leaving is None:
            core.stop_reading()
            lanes = [lane for lane in core.lanes() if lane.task is not here]
            core.begin_to_close()
            self._leaving = asyncio.ensure_future(core.leave(seconds, lanes))
        if self._leaving.get_loop() is asyncio.get_running_loop():
            await asyncio.shield(self._leaving)

    async def __aenter__(self) -> Client:
        _ = self._core.loop
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Client, {self.state}>"


class _Reply(_hooks.Reply):
    """An answer that a coroutine waits for."""

    def __init__(self, core: AioCore, future: asyncio.Future[tuple[int, bytes]]) -> None:
        super().__init__(core)
        self.future = future

    def arrive(self, status: int, text: bytes) -> None:
        if not self.future.done() and not self.future.get_loop().is_closed():
            self.future.set_result((status, text))
