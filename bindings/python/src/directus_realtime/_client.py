"""The synchronous client."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from ._abi import MOST_ROWS, lib
from ._base_client import BaseClient
from ._callback_runner import DirectRunner
from ._callbacks import Callbacks
from ._calls import Calls
from ._changes import ChangesOnly
from ._closing import Closing, close_garbage
from ._core import Core
from ._delivery import Delivery, start_thread
from ._errors import ClosedError, DirectusRealtimeError, InvalidArgumentError, TimeoutError
from ._items import Items
from ._live import Live, LiveOpening, OnChange, checked, ignore
from ._live_calls import LiveCalls
from ._live_state import LiveState
from ._options import AuthMode, client_options, limit
from ._running import Lifecycle, when_gone
from ._scope import Scope
from ._state import State, StateName
from ._subscription import Callback, Subscribing, Subscription
from ._subscription_state import ScopeState, SubscriptionState

#: How long `close` waits for the client's thread, which has nothing left to do.
_THREAD_SECONDS = 0.02


class Client(Subscribing, LiveOpening, BaseClient):
    """A client of a Directus server.

    Callbacks run one after the other on a thread of the client's, or, with
    `thread=False`, inside `run` and `dispatch`. All methods may be called from any
    thread, also in callbacks, except those that say otherwise.

    A client ends with its `with` block, with `close`, or when it is garbage-collected:
    keep a reference to it. Its scopes hold one; its subscriptions and callbacks do not.

    Args:
        url: `http(s)://host[:port][/base]`, or the WebSocket's own `ws(s)://…`; several
            are replicas that are tried in turn.
        access_token: A static token or a JWT.
        email: With `password`, to log in.
        password: See `email`.
        refresh_token: A refresh token to log in with.
        auth_mode: The server's `WEBSOCKETS_REST_AUTH`: `"handshake"`, `"public"` or
            `"strict"`.
        thread: Whether the client runs its callbacks on a thread of its own.
        connect_timeout: How long an attempt to connect may take, in seconds; 10.
        ack_timeout: How long to wait for a reply of the server, in seconds; 10.
        heartbeat: Seconds of silence after which the client sends a ping; 25.
        reconnect_min: The upper bound of the first backoff, in seconds; 0.25.
        reconnect_max: The upper bound of all backoffs, in seconds; 10.
        reconnect_attempts: Failed attempts in a row before giving up; 0 = never.
        queue_bytes: How many bytes of events may wait for callbacks; 0 = 64 MiB.
        ca_file: A PEM file of certificate authorities to trust besides the system's.
        proxy: `http://[user:password@]host:port`, the same with `socks5://` or
            `socks5h://`, or `"env"`: the environment's `HTTPS_PROXY` and its kind.
        client_cert_file: A PEM file with the client's certificate.
        client_key_file: A PEM file with the key of that certificate.
        headers: Additional headers of the upgrade request.
        user_agent: The `User-Agent` header; by default the library's own.
        max_message_bytes: The largest message to accept, in bytes; 0 = 256 MiB.
        send_queue_bytes: How many bytes of `send_message` and `request` may wait for a
            link; 0 = none: without a link they raise `NotConnectedError`.

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
        thread: bool = True,
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
        callbacks = weakref.ref(self._callbacks)
        self._core = core = Core(
            options,
            callbacks,
            Lifecycle(),
            DirectRunner(callbacks, threaded=thread),
            threaded=thread,
        )
        self._closing = Closing(core)
        self._delivery = Delivery(core, self._closing)
        self._calls = Calls(core, self._delivery)
        self._live_calls = LiveCalls(core, self._delivery)
        self._finalizer = when_gone(self, close_garbage, self._closing)
        self._thread = start_thread(core, self._closing) if thread else None

    def _subscribe(self, collection: str, callback: Callback, **options: Any) -> Subscription:
        return self._make(self._callbacks, None, collection, callback, **options)

    def _make(
        self,
        callbacks: Callbacks,
        scope: ScopeState | None,
        collection: str,
        callback: Callback,
        *,
        changes_only: bool,
        **options: Any,
    ) -> Subscription:
        """Subscribes; `callbacks` will own the callback."""
        if not callable(callback):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"callback must be callable, not {type(callback).__name__}")
        consume = ChangesOnly(callback) if changes_only else callback
        subscriptions = self._core.subscriptions
        state = subscriptions.subscribe(collection, consume, callbacks, scope, **options)
        return Subscription(self._core, state, self._calls, self._delivery)

    def _open_live(
        self, collection: str, on_change: OnChange[Any] | None, **options: Any
    ) -> Live[Any]:
        return self._make_live(self._callbacks, None, collection, on_change, **options)

    def _make_live(
        self,
        callbacks: Callbacks,
        scope: ScopeState | None,
        collection: str,
        on_change: OnChange[Any] | None,
        **options: Any,
    ) -> Live[Any]:
        """Opens a live collection; `callbacks` will own the callback."""
        callback = checked(on_change) or ignore
        state = self._core.subscriptions.live(collection, callback, callbacks, scope, **options)
        return Live(self._core, state, self._live_calls, self._delivery)

    def scope(self) -> Scope:
        """A new scope, whose subscriptions end together: `with client.scope() as scope:`."""
        return Scope(self, self._make, self._make_live)

    def get_active_subscriptions(self) -> list[Subscription | Live[Any]]:
        """The subscriptions and live collections, in the order in which they were made."""
        return [self._view_of(state) for state in self._core.subscriptions.all()]

    def _view_of(self, state: SubscriptionState) -> Subscription | Live[Any]:
        if isinstance(state, LiveState):
            return Live(self._core, state, self._live_calls, self._delivery)
        return Subscription(self._core, state, self._calls, self._delivery)

    def items(self, collection: str) -> Items:
        """The items of a collection, to read and write them over the client's link."""
        return Items(self._request_when_connected, collection)

    def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message and waits for the server's reply.

        It does not wait for a link; `wait` and the methods of `items` do.

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
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("request")
        return self._delivery.finished(self._calls.request(message, timeout))

    def _request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        # A method of the client's, so that what `items` returns holds the client.
        self._core.running.refuse_in_callback("a request")
        return self._delivery.finished(self._calls.request(message, timeout, connect=True))

    def wait(
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
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("wait")
        self._delivery.finished(self._calls.wait(state, timeout))

    def fileno(self) -> int:
        """The descriptor that is readable while callbacks are due, for other event loops.

        For clients with `thread=False`. Whenever it is readable, call `dispatch`; stop
        watching it before `close`. It belongs to the client: do not close it, nor read
        from it. A client can be given to `select`, `selectors` and event loops as it is.

        Raises:
            InvalidArgumentError: The client has a thread of its own.
            ClosedError: The client is closed.
        """
        self._delivery.check_unthreaded()
        self._core.lifecycle.check_open()
        fd: int = lib.drt_client_fd(self._core.handle)
        if fd < 0:
            raise ClosedError("the client is closed")
        return fd

    def dispatch(self, timeout: float | None = 0.0, max_events: int = 0) -> int:
        """Runs the callbacks that are due, on this thread; for clients with `thread=False`.

        It may leave some, also with `max_events=0`: while more are due, `fileno` is
        readable.

        Args:
            timeout: How long to wait for the first, in seconds; None for no limit.
            max_events: The most callbacks to run; 0 for a batch, of 512 at most.

        Returns:
            The number of callbacks that have run.

        Raises:
            InvalidArgumentError: The client has a thread of its own.
            ClosedError: The client is closed.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("dispatch")
        if max_events < 0:
            raise InvalidArgumentError(f"max_events must be 0 or more, not {max_events!r}")
        return self._delivery.dispatch(limit(timeout, "timeout"), max_events or MOST_ROWS)

    def run(self) -> None:
        """Delivers until the client is closed, or until Ctrl-C (`KeyboardInterrupt`).

        With `thread=False` callbacks run on this thread. Otherwise they run on the
        client's, and this only waits.

        Raises:
            DirectusRealtimeError: The client has failed, and why. The subscriptions are
                kept: call `set_token`, `connect` or `reconnect`, and `run` again.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("run")
        if self._thread is None:
            return self._delivery.run()
        while not self._core.states.is_closed:
            self._delivery.finished(self._calls.ended())

    def close(self, timeout: float = 5.0) -> None:
        """Closes the client and ends all its subscriptions.

        When this returns, no callback runs or will run. Further calls only wait for a
        callback that still runs.

        Args:
            timeout: How long to wait for the closing handshake, and for a callback that
                still runs, in seconds.

        Raises:
            TimeoutError: A callback still runs. The client is closed all the same.
            WouldDeadlockError: This was called in a callback.
        """
        core = self._core
        if core.running.is_here:
            core.running.refuse_in_callback("close")
        self._finalizer.detach()
        if not self._closing.close(limit(timeout, "timeout") or 0.0):
            raise TimeoutError(
                f"a callback has not returned within {timeout} s: the client is closed, and"
                " this callback is the last"
            )
        if self._thread is not None and not core.lifecycle.forked:
            self._thread.join(_THREAD_SECONDS)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except DirectusRealtimeError:
            # An exception that has ended the block is more important.
            if error is None:
                raise

    def __repr__(self) -> str:
        return f"<Client, {self.state}>"
