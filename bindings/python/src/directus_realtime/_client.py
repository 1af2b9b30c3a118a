"""The synchronous client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from . import _abi, _delivery, _hooks
from ._abi import lib
from ._core import SLICE_MS, Core, finish, when_gone
from ._errors import ClosedError, InvalidArgumentError, Status, TimeoutError, check
from ._events import Event
from ._items import Items
from ._options import Key, Query, dump, milliseconds
from ._registry import register, release
from ._reply import answer_of
from ._scope import Scope, subscribe
from ._state import STATES, State
from ._subscription import Subscription
from ._surface import Surface, make_options

REQUEST_SECONDS = 30.0


class Client(Surface[Core]):
    """A client of a Directus server.

    Callbacks run one after the other on a thread of the client's, or, with
    `thread=False`, inside `run` and `dispatch`. All methods may be called from any
    thread, also in callbacks, except those that say otherwise.

    A client ends with its `with` block, with `close`, or when nobody holds it any more;
    a callback that refers to the client holds it.

    Args:
        url: `http(s)://host[:port][/base]`, or the WebSocket's own `ws(s)://…`; several
            are replicas that are tried in turn.
        access_token: A static token or a JWT.
        email: With `password`, to log in.
        password: See `email`.
        refresh_token: To log in with.
        auth_mode: How the server wants it: `"handshake"`, `"public"` or `"strict"`.
        thread: Whether the client has a thread for its callbacks.
        connect_timeout: Seconds for an attempt to connect; 10.
        ack_timeout: Seconds for an answer of the server; 10.
        heartbeat: Seconds of silence after which the link is probed; 25.
        reconnect_min: The first backoff's upper bound in seconds; 0.25.
        reconnect_max: Every backoff's upper bound in seconds; 30.
        reconnect_attempts: Failed attempts in a row before giving up; 0 = never.
        queue_bytes: What may wait for callbacks; 0 = 64 MiB.
        ca_file: A PEM file of authorities to trust beside the system's.
        proxy: `http://[user:password@]host:port`.
        client_cert_file: A PEM file of the certificate to show to the server.
        client_key_file: A PEM file of its key.
        headers: Additional headers of the upgrade request.
        user_agent: Instead of the library's own.
        max_message_bytes: The largest message to accept; 0 = 256 MiB.

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
        auth_mode: str = "handshake",
        thread: bool = True,
        connect_timeout: float | None = None,
        ack_timeout: float | None = None,
        heartbeat: float | None = None,
        reconnect_min: float | None = None,
        reconnect_max: float | None = None,
        reconnect_attempts: int = 0,
        queue_bytes: int = 0,
        ca_file: str | None = None,
        proxy: str | None = None,
        client_cert_file: str | None = None,
        client_key_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        max_message_bytes: int = 0,
    ) -> None:
        given = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "url", "thread", "__class__")
        }
        self._core = Core(make_options(url, given))
        self._finish = when_gone(self, finish, self._core)
        if thread:
            _delivery.start(self._core)
        self._dispatching = threading.Lock()

    def subscribe(
        self,
        collection: str,
        callback: Callable[[Event], object],
        *,
        query: Query | None = None,
        uid: str | None = None,
        persistent: bool = False,
        event: str | Iterable[str] | None = None,
        item: Key | None = None,
        primary_key: str = "id",
        granularity: str = "item",
        snapshot: str = "exact",
    ) -> Subscription:
        """Follows a collection, or an item of it.

        The callback gets an `init` event with what is there, then an event for each
        change. After a gap, such as a lost link, another `init` comes, marked `resync`,
        which replaces what was known before. The first subscription connects.

        Args:
            collection: The collection's name.
            callback: Called with each `Event`.
            query: `fields`, `filter`, `sort`, `limit`, `deep`, `meta` …
            uid: A name of your own; where it is taken, the subscription that has it is
                returned, and the callback is not used.
            persistent: Whether it survives `unsubscribe_all`, `unsubscribe_collection`
                and scopes.
            event: The kinds of changes that are wanted: `"create"`, `"update"`,
                `"delete"`, or several; None for all, with snapshots.
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key's field.
            granularity: `"item"` for an event per item, `"message"` for an event per
                message of the server, with its own data.
            snapshot: `"exact"` for a snapshot that misses nothing, `"server"` for the
                server's own, which may miss what is written meanwhile.

        Raises:
            InvalidArgumentError: An argument is wrong; the message names it.
            ClosedError: The client is closed.
        """
        return subscribe(
            self._core,
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
        """A scope, whose subscriptions end together: `with client.scope() as scope:`."""
        return Scope(self._core)

    def get_active_subscriptions(self) -> list[Subscription]:
        """The subscriptions, in the order in which they were made."""
        return [Subscription(self._core, record) for record in self._core.records()]

    def items(self, collection: str) -> Items:
        """The items of a collection, to be read and written over the client's link."""
        return Items(self.request, collection)

    def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message and waits for the server's answer.

        Args:
            message: A JSON object with a `type`, for instance `items`.
            timeout: Seconds for the answer; None means 30.

        Returns:
            The server's message.

        Raises:
            ServerError: The server has answered with an error.
            NotConnectedError: There is no usable link, or it was lost meanwhile.
            TimeoutError: The server has not answered in time.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.refuse_in_callback("request")
        reply = _Reply(self._core)
        ms = milliseconds(REQUEST_SECONDS if timeout is None else timeout, "timeout")
        text, number = dump(message, "message"), register(reply)
        status = lib.drt_request(self._core.handle, text, ms, _hooks.on_reply, number, release)
        check(status)
        self._wait_until(reply.arrived.is_set, reply.arrived.wait)
        return answer_of(reply.status, reply.text)

    def wait(self, state: State | str = State.CONNECTED, timeout: float | None = None) -> None:
        """Connects if need be, and waits until a state is entered.

        Args:
            state: The state to wait for.
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: It was not entered in time.
            DirectusRealtimeError: `failed` or `closed` was entered instead; this is why.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.refuse_in_callback("wait")
        number, handle = STATES.index(State(state)), self._core.handle
        if state == State.CONNECTED and self.state == State.IDLE:
            self.connect()
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE_MS if end is None else max(0, round((end - time.monotonic()) * 1000))
            slice_ms = min(SLICE_MS, left)
            if self._core.thread is None:
                self.dispatch(timeout=slice_ms / 1000)
                slice_ms = 0
            status = lib.drt_client_wait(handle, number, slice_ms)
            if status != Status.TIMEOUT:
                check(status)
                return
            if left == 0:
                raise TimeoutError(f"the client is {self.state}, not {state}, after {timeout} s")

    def _wait_until(self, done: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Waits for something that delivery brings, and delivers where nobody else does."""
        while not done():
            if self._core.thread is None:
                self.dispatch(timeout=SLICE_MS / 1000)
            else:
                wait(1.0)

    def dispatch(self, timeout: float | None = 0.0, max_events: int = _abi.MOST_EVENTS) -> int:
        """Runs callbacks that are due, on this thread; for clients with `thread=False`.

        Args:
            timeout: Seconds to wait for the first; None waits for ever.
            max_events: Callbacks to run at most.

        Returns:
            How many have run.

        Raises:
            InvalidArgumentError: The client has a thread of its own.
            ClosedError: The client is closed.
            WouldDeadlockError: This was called in a callback.
        """
        if self._core.thread is not None:
            raise InvalidArgumentError("this client has a thread: make it with thread=False")
        self._core.refuse_in_callback("dispatch")
        self._core.check_open()
        end = None if timeout is None else time.monotonic() + timeout
        with self._dispatching:
            while True:
                left = SLICE_MS if end is None else max(0, round((end - time.monotonic()) * 1000))
                done = self._core.pump(min(SLICE_MS, left), max_events)
                if done > 0 or (end is not None and left <= SLICE_MS):
                    return done

    def run(self) -> None:
        """Delivers until the client is closed, or until Ctrl-C (`KeyboardInterrupt`).

        With `thread=False` on this thread; otherwise the client's thread goes on
        delivering, and this only waits.
        """
        self._core.refuse_in_callback("run")
        while not self._core.closed:
            if self._core.thread is not None:
                self._core.thread.join(SLICE_MS / 1000)
                continue
            try:
                self.dispatch(timeout=None)
            except ClosedError:
                return

    def close(self, timeout: float = 5.0) -> None:
        """Closes the client and ends all its subscriptions; further calls do nothing.

        When this returns no callback runs and none will.

        Args:
            timeout: Seconds for a polite farewell, and for a callback that still runs.

        Raises:
            TimeoutError: A callback still runs; it is the last one.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.refuse_in_callback("close")
        self._finish.detach()
        status = self._core.close(max(0, round(timeout * 1000)))
        if self._core.thread is not None and status != Status.TIMEOUT:
            self._core.thread.join(timeout)
        if status == Status.TIMEOUT:
            raise TimeoutError(f"a callback has not returned within {timeout} s")
        if status != Status.FORKED:
            check(status)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client, {self.state}>"


class _Reply(_hooks.Reply):
    """An answer that a thread waits for."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.arrived = threading.Event()
        self.status, self.text = 0, b""

    def arrive(self, status: int, text: bytes) -> None:
        self.status, self.text = status, text
        self.arrived.set()
