"""The synchronous client."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from . import _abi, _delivery_thread
from ._base_client import BaseClient
from ._callback_runner import DirectRunner
from ._callbacks import Callbacks
from ._closing import close_garbage
from ._core import Core
from ._delivery import Delivery
from ._errors import DirectusRealtimeError, TimeoutError
from ._events import Event
from ._items import Items
from ._lifecycle import Lifecycle, when_gone
from ._options import AuthMode, Events, Granularity, Key, Snapshot, client_options, limit
from ._query import Query
from ._requests import Requests
from ._scope import Scope
from ._state import State, StateName, state_of
from ._subscriber import Subscriber
from ._subscription import Subscription

#: How long `close` waits for the client's thread, which has nothing left to do.
_THREAD_SECONDS = 0.02


class Client(BaseClient):
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
        given = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "url", "thread", "__class__")
        }
        self._callbacks = Callbacks()
        callbacks = weakref.ref(self._callbacks)
        self._core = core = Core(
            client_options(url, **given),
            callbacks,
            Lifecycle(),
            DirectRunner(callbacks, threaded=thread),
            threaded=thread,
        )
        self._delivery = Delivery(
            core.lifecycle, core.incoming, core.link, core.pump, core.closing, core.slot
        )
        self._requests = Requests(core.incoming, core.link, core.running, self._delivery)
        self._subscriber = Subscriber(core, self._delivery)
        self._finalizer = when_gone(self, close_garbage, core.closing)
        self._thread = _delivery_thread.start(core) if thread else None

    def subscribe(
        self,
        collection: str,
        callback: Callable[[Event], object],
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
        """Subscribes to a collection, or to one item of it.

        The callback first gets an `init` event with a snapshot, then an event for each
        change. After a gap, such as a lost link, another `init` comes, marked `resync`,
        which replaces what was known before. With `event` these `init` events come as
        well, but without data: `event.data` is None. A callback that needs changes only
        checks `event.is_change`, or is subscribed with `changes_only=True`. The first
        subscription connects.

        Args:
            collection: The collection's name.
            callback: Called with each `Event`.
            query: `fields`, `filter`, `sort`, `limit`, `deep`, `meta` …
            uid: A name for the subscription. If another one has it, that one is returned,
                and the callback is not used.
            persistent: Whether `unsubscribe_all`, `unsubscribe_collection` and the end of
                a scope leave it.
            event: The kinds of changes to get: `"create"`, `"update"`, `"delete"`, or
                several of them; None for all, and snapshots. Otherwise `init` has no
                data.
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key field.
            granularity: `"item"` for an event per item, `"message"` for an event per
                message of the server, with its own data.
            snapshot: `"exact"` for a snapshot that misses no change, `"server"` for the
                server's own, which may miss what is written while it is read.
            changes_only: Whether the callback gets `create`, `update` and `delete` only.
                Then errors are logged, and gaps go unnoticed.

        Raises:
            InvalidArgumentError: An argument is wrong; the message names it.
            ClosedError: The client is closed.
        """
        return self._subscriber.subscribe(
            self._callbacks,
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
        """A new scope, whose subscriptions end together: `with client.scope() as scope:`."""
        return Scope(self, self._subscriber)

    def get_active_subscriptions(self) -> list[Subscription]:
        """The subscriptions, in the order in which they were made."""
        return [self._subscriber.view_of(state) for state in self._core.subscriptions.all()]

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
        return self._requests.request(message, timeout=timeout)

    def _request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        # A method of the client's, so that what `items` returns holds the client.
        return self._requests.request_when_connected(message, timeout=timeout)

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
        link = self._core.link
        self._core.running.refuse_in_callback("wait")
        wanted = state_of(state)
        if wanted is State.CONNECTED and link.state() is State.IDLE:
            link.connect()
        seconds = limit(timeout, "timeout")
        if not self._delivery.until(lambda ahead: link.entered(wanted, ahead), seconds):
            raise link.not_entered(wanted, seconds)

    def dispatch(self, timeout: float | None = 0.0, max_events: int = _abi.MOST_EVENTS) -> int:
        """Runs the callbacks that are due, on this thread; for clients with `thread=False`.

        Args:
            timeout: How long to wait for the first, in seconds; None for no limit.
            max_events: The most callbacks to run.

        Returns:
            The number of callbacks that have run.

        Raises:
            InvalidArgumentError: The client has a thread of its own.
            ClosedError: The client is closed.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("dispatch")
        return self._delivery.dispatch(limit(timeout, "timeout"), max_events)

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
        self._delivery.run()

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
        if not core.closing.close(limit(timeout, "timeout") or 0.0):
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
