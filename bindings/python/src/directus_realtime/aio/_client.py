"""The asyncio client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from .. import _hooks
from .._abi import lib
from .._client import REQUEST_GRACE, REQUEST_SECONDS
from .._core import when_gone
from .._errors import TimeoutError, check
from .._holder import Holder
from .._options import (
    AuthMode,
    Events,
    Granularity,
    Key,
    Query,
    Snapshot,
    dump,
    limit,
    milliseconds,
)
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
    ) -> Subscription:
        """Follows a collection, or an item of it; see `directus_realtime.Client.subscribe`.

        It does not wait for the server: `await subscription.wait()` does.

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
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key's field.
            granularity: `"item"` or `"message"`.
            snapshot: `"exact"` or `"server"`.

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
        )

    def scope(self) -> Scope:
        """A scope, whose subscriptions end together: `async with client.scope() as scope:`."""
        return Scope(self)

    def get_active_subscriptions(self) -> list[Subscription]:
        """The subscriptions, in the order in which they were made."""
        return [view_of(self._core, record) for record in self._core.records()]

    def items(self, collection: str) -> Items:
        """The items of a collection, to be read and written over the client's link."""
        return Items(self.request, collection)

    async def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message and waits for the server's answer.

        When this is cancelled the server may still do what it was asked.

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
        core = self._core
        seconds = REQUEST_SECONDS if timeout is None else timeout
        ms = milliseconds(seconds, "timeout")
        text = dump(message, "message")
        reply = _Reply(core, core.loop.create_future())
        number = register(reply)
        check(lib.drt_request(core.handle, text, ms, _hooks.on_reply, number, release))
        core.expect(1)
        try:
            if not await core.come(reply.future, seconds + REQUEST_GRACE, None):
                raise TimeoutError("callbacks that have not returned hold up the server's answer")
            return answer_of(*reply.future.result())
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
            TimeoutError: It was not entered in time.
            DirectusRealtimeError: `failed` or `closed` was entered instead; this is why.
        """
        core, wanted, seconds = self._core, state_of(state), limit(timeout, "timeout")
        if wanted is State.CONNECTED and self.state is State.IDLE:
            self.connect()
        if core.entered(wanted, 0):
            return
        waiter: asyncio.Future[None] = core.loop.create_future()
        core.state_waiters[waiter] = wanted
        try:
            if not await core.come(waiter, seconds, lambda: core.entered(wanted, 0)):
                raise TimeoutError(f"the client is {self.state}, not {wanted}, after {timeout} s")
            waiter.result()
        finally:
            del core.state_waiters[waiter]

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
