"""The asyncio client."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from .._base_client import BaseClient
from .._callbacks import Callbacks
from .._calls import Calls
from .._closing import Closing
from .._core import Core
from .._live_state import LiveState
from .._options import AuthMode, client_options, limit
from .._running import Lifecycle, when_gone
from .._state import State, StateName
from .._subscription_state import SubscriptionState
from ._callback_runner import LoopRunner
from ._closing import LoopClosing
from ._flow_control import FlowControl
from ._items import Items
from ._live import Live, LiveOpener, LiveOpening, OnChange
from ._loop import ClientLoop
from ._scope import Scope
from ._subscription import Callback, Subscriber, Subscribing, Subscription
from ._waiting import LoopWaiting


class Client(Subscribing, LiveOpening, BaseClient):
    """A client of a Directus server, on an event loop.

    Callbacks run on the loop, one after the other, and may be coroutine functions. The
    loop is the one that runs when the client is first used. Call all methods on the
    loop's thread. There is no other thread, except for the moment that `close` takes, and
    for a `wait` while events are held back.

    A client ends with its `async with` block, with `close`, or when it is
    garbage-collected. The arguments are those of `directus_realtime.Client`, without
    `thread`.

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
        options = client_options(locals())
        self._callbacks = Callbacks()
        callbacks, lifecycle = weakref.ref(self._callbacks), Lifecycle()
        self._loop = loop = ClientLoop(lifecycle)
        runner = LoopRunner(callbacks, loop)
        self._core = core = Core(options, callbacks, lifecycle, runner, threaded=False)
        self._flow = flow = FlowControl(core, loop, queue_bytes)
        self._waiting = waiting = LoopWaiting(loop, flow, core.link)
        self._calls = calls = Calls(core, waiting)
        self._subscriber = Subscriber(core, loop, calls, waiting, flow)
        self._opener = LiveOpener(core, loop, waiting, flow)
        self._closing = LoopClosing(core, Closing(core), loop, flow, self._subscriber)
        loop.when_bound = flow.resume
        core.states.when_failed = self._subscriber.when_failed
        self._finalizer = when_gone(self, self._closing.close_garbage)

    def connect(self) -> None:
        """Starts to connect, and returns at once. The first subscription does that, too."""
        self._loop.bind()
        super().connect()

    def reconnect(self) -> None:
        """Drops the link, if there is one, and connects at once, without backoff."""
        self._loop.bind()
        super().reconnect()

    def _subscribe(
        self, collection: str, callback: Callback[Any] | None, **options: Any
    ) -> Subscription[Any]:
        make = self._subscriber.subscribe
        return make(self._callbacks, None, collection, callback, **options)

    def _open_live(
        self, collection: str, on_change: OnChange[Any] | None, **options: Any
    ) -> Live[Any]:
        return self._opener.open(self._callbacks, None, collection, on_change, **options)

    def scope(self) -> Scope:
        """A new scope, whose subscriptions end together: `async with client.scope() as scope:`."""
        return Scope(self, self._subscriber, self._opener)

    def get_active_subscriptions(self) -> list[Subscription[Any] | Live[Any]]:
        """The subscriptions and live collections, in the order in which they were made."""
        return [self._view_of(state) for state in self._core.subscriptions.all()]

    def _view_of(self, state: SubscriptionState) -> Subscription[Any] | Live[Any]:
        if isinstance(state, LiveState):
            return self._opener.view_of(state)
        return self._subscriber.view_of(state)

    def items(self, collection: str) -> Items:
        """The items of a collection, to read and write them over the client's link."""
        return Items(self._request_when_connected, collection)

    async def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message and waits for the server's reply.

        It does not wait for a link; `wait` and the methods of `items` do. When this is
        cancelled, the server may still carry out the request.

        Args:
            message: A JSON object with a `type`, for instance `items`.
            timeout: How long to wait for the reply, in seconds; None means 30.

        Returns:
            The server's message.

        Raises:
            ServerError: The server's reply is an error.
            NotConnectedError: There is no usable link, or it was lost before the reply.
            TimeoutError: The server did not reply in time, or the reply waits behind a
                callback that has not returned.
        """
        return await self._waiting.finished(self._calls.request(message, timeout))

    async def _request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        # A method of the client's, so that what `items` returns holds the client.
        return await self._waiting.finished(self._calls.request(message, timeout, connect=True))

    async def wait(
        self, state: State | StateName = State.CONNECTED, timeout: float | None = None
    ) -> None:
        """Connects if need be, and waits until a state is entered.

        Args:
            state: The state to wait for.
            timeout: How long to wait, in seconds; None for no limit.

        Raises:
            TimeoutError: It was not entered in time; the message says why the client is not
                connected. For `connected` it is a `ConnectTimeoutError`.
            DirectusRealtimeError: `failed` or `closed` was entered instead, and why.
        """
        await self._waiting.finished(self._calls.wait(state, timeout))

    async def run(self) -> None:
        """Waits until the client is closed; for programs that consist of callbacks.

        Raises:
            DirectusRealtimeError: The client has failed, and why. The subscriptions are
                kept: call `set_token`, `connect` or `reconnect`, and `run` again.
        """
        self._loop.bind()
        while not self.closed:
            await self._waiting.finished(self._calls.ended())

    async def close(self, timeout: float = 5.0) -> None:
        """Closes the client and ends all its subscriptions; further calls do nothing.

        Callbacks that are coroutines are cancelled, and have ended when this returns,
        except one that it was called in. When this is cancelled, the client is closed all
        the same, and another call waits for that.

        Args:
            timeout: How long to wait for the closing handshake, in seconds.
        """
        seconds = limit(timeout, "timeout") or 0.0
        self._finalizer.detach()
        await self._closing.close(seconds)

    async def __aenter__(self) -> Client:
        self._loop.bind()
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
