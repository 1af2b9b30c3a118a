"""The synchronous client."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from . import _abi, _hooks, _worker
from ._abi import lib
from ._core import Core, abandon, when_gone
from ._delivery import GLANCE, SLICE
from ._errors import (
    ClosedError,
    DirectusRealtimeError,
    InvalidArgumentError,
    NotConnectedError,
    TimeoutError,
    check,
)
from ._events import Event
from ._holder import Holder
from ._items import Items
from ._json import dump
from ._latch import Latch
from ._options import (
    AuthMode,
    Events,
    Granularity,
    Key,
    Snapshot,
    limit,
    milliseconds,
)
from ._query import Query
from ._registry import register, release
from ._reply import answer_of
from ._scope import Scope, subscribe
from ._state import State, StateName, state_of
from ._subscription import Subscription
from ._surface import Surface, make_options

#: For an answer, where nothing else is said,
REQUEST_SECONDS = 30.0
#: and for its way from the library, which callbacks may hold up.
REQUEST_GRACE = 2.0
#: Before what found no link looks for one again.
RETRY_SECONDS = 0.01


class Client(Surface[Core]):
    """A client of a Directus server.

    Callbacks run one after the other on a thread of the client's, or, with
    `thread=False`, inside `run` and `dispatch`. All methods may be called from any
    thread, also in callbacks, except those that say otherwise.

    A client ends with its `with` block, with `close`, or when nobody holds it any more:
    keep it somewhere. Its scopes hold it; its subscriptions and their callbacks do not.

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
        reconnect_max: Every backoff's upper bound in seconds; 10.
        reconnect_attempts: Failed attempts in a row before giving up; 0 = never.
        queue_bytes: What may wait for callbacks; 0 = 64 MiB.
        ca_file: A PEM file of authorities to trust beside the system's.
        proxy: `http://[user:password@]host:port`.
        client_cert_file: A PEM file of the certificate to show to the server.
        client_key_file: A PEM file of its key.
        headers: Additional headers of the upgrade request.
        user_agent: Instead of the library's own.
        max_message_bytes: The largest message to accept; 0 = 256 MiB.
        send_queue_bytes: What `send_message` and `request` may leave waiting for a link;
            0 = nothing, they raise `NotConnectedError` where there is none.

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
        self._holder = Holder()
        self._core = Core(make_options(url, given), self._holder)
        self._finish = when_gone(self, abandon, self._core)
        if thread:
            _worker.start(self._core)

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
        """Follows a collection, or an item of it.

        The callback first gets an `init` event with what is there, then an event for
        each change. After a gap, such as a lost link, another `init` comes, marked
        `resync`, which replaces what was known before. With `event` these `init` events
        come as well, but without data: `event.data` is None. A callback that is only
        interested in changes asks `event.is_change`, or is subscribed with
        `changes_only=True`. The first subscription connects.

        Args:
            collection: The collection's name.
            callback: Called with each `Event`.
            query: `fields`, `filter`, `sort`, `limit`, `deep`, `meta` …
            uid: A name of your own; where it is taken, the subscription that has it is
                returned, and the callback is not used.
            persistent: Whether it survives `unsubscribe_all`, `unsubscribe_collection`
                and scopes.
            event: The kinds of changes that are wanted: `"create"`, `"update"`,
                `"delete"`, or several; None for all, with snapshots. With it, `init`
                has no data.
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key's field.
            granularity: `"item"` for an event per item, `"message"` for an event per
                message of the server, with its own data.
            snapshot: `"exact"` for a snapshot that misses nothing, `"server"` for the
                server's own, which may miss what is written meanwhile.
            changes_only: Whether the callback gets `create`, `update` and `delete` only.
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
        """A scope, whose subscriptions end together: `with client.scope() as scope:`."""
        return Scope(self)

    def get_active_subscriptions(self) -> list[Subscription]:
        """The subscriptions, in the order in which they were made."""
        return [Subscription(self._core, record) for record in self._core.records()]

    def items(self, collection: str) -> Items:
        """The items of a collection, to be read and written over the client's link."""
        return Items(self._request_when_connected, collection)

    def request(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Sends a message and waits for the server's answer.

        It does not wait for the link: `wait` does, and what `items` returns.

        Args:
            message: A JSON object with a `type`, for instance `items`.
            timeout: Seconds for the answer; None means 30.

        Returns:
            The server's message.

        Raises:
            ServerError: The server has answered with an error.
            NotConnectedError: There is no usable link, or it was lost meanwhile.
            TimeoutError: The server has not answered in time, or a callback that has not
                returned holds up the answer.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.refuse_in_callback("request")
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        return self._answer(self._ask(dump(message, "message"), seconds), seconds)

    def _request_when_connected(
        self, message: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """The same, but waits for the link as well."""
        self._core.refuse_in_callback("a request")
        seconds = REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        text, end = dump(message, "message"), time.monotonic() + seconds
        while True:
            self._wait_for_link(seconds, end)
            left = max(0.001, end - time.monotonic())
            try:
                reply = self._ask(text, left)
            except NotConnectedError:
                # Lost just now; nothing was sent.
                if time.monotonic() >= end:
                    raise
                time.sleep(RETRY_SECONDS)
                continue
            return self._answer(reply, left)

    def _ask(self, text: bytes, seconds: float) -> _Reply:
        reply = _Reply(self._core)
        ms, number = milliseconds(seconds, "timeout"), register(reply)
        check(lib.drt_request(self._core.handle, text, ms, _hooks.on_reply, number, release))
        return reply

    def _answer(self, reply: _Reply, seconds: float) -> dict[str, Any]:
        if not self._core.until(reply.arrived.wait, seconds + REQUEST_GRACE):
            raise TimeoutError("a callback that has not returned holds up the server's answer")
        return answer_of(reply.status, reply.text, self._core.diagnostics)

    def _wait_for_link(self, seconds: float, end: float) -> None:
        core = self._core
        core.check_wanted()
        if self.state is State.IDLE:
            self.connect()

        def look(ahead: float) -> bool:
            core.check_wanted()
            return self.is_connected or core.entered(State.CONNECTED, ahead)

        if not core.until(look, max(0.0, end - time.monotonic())):
            raise core.not_entered(State.CONNECTED, seconds)

    def wait(
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
            WouldDeadlockError: This was called in a callback.
        """
        self._core.refuse_in_callback("wait")
        wanted = state_of(state)
        if wanted is State.CONNECTED and self.state is State.IDLE:
            self.connect()
        seconds = limit(timeout, "timeout")
        if not self._core.until(lambda ahead: self._core.entered(wanted, ahead), seconds):
            raise self._core.not_entered(wanted, seconds)

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
        self._core.refuse_in_callback("dispatch")
        return self._dispatch(timeout, max_events, self._core.check_open)

    def _dispatch(
        self, timeout: float | None, max_events: int, check_before: Callable[[], None]
    ) -> int:
        core = self._core
        if core.threaded:
            raise InvalidArgumentError("this client has a thread: make it with thread=False")
        if max_events < 1:
            raise InvalidArgumentError(f"max_events must be at least 1, not {max_events!r}")
        seconds = limit(timeout, "timeout")
        end = None if seconds is None else time.monotonic() + seconds
        done = 0

        def deliver() -> None:
            nonlocal done
            if core.listen(left):
                done = core.turn(max_events)

        while True:
            check_before()
            left = None if end is None else max(0.0, end - time.monotonic())
            if not core.lead(deliver):
                # Another thread delivers.
                time.sleep(GLANCE if left is None else min(GLANCE, left))
            if done > 0 or (end is not None and time.monotonic() >= end):
                return done

    def run(self) -> None:
        """Delivers until the client is closed, or until Ctrl-C (`KeyboardInterrupt`).

        With `thread=False` on this thread; otherwise the client's thread goes on
        delivering, and this only waits.

        Raises:
            DirectusRealtimeError: The client has failed; this is why. The subscriptions
                are kept: after `set_token`, `connect` or `reconnect`, `run` goes on.
            WouldDeadlockError: This was called in a callback.
        """
        core = self._core
        core.refuse_in_callback("run")
        if core.threaded:
            while not core.over.wait(SLICE):
                core.check_process()
                core.raise_failure()
            return

        def check_before() -> None:
            core.check_open()
            core.raise_failure()

        while not core.closed:
            try:
                self._dispatch(None, _abi.MOST_EVENTS, check_before)
            except ClosedError:
                return

    def close(self, timeout: float = 5.0) -> None:
        """Closes the client and ends all its subscriptions.

        When this returns no callback runs and none will. Called again it does nothing,
        but for waiting for a callback that still runs.

        Args:
            timeout: Seconds for a polite farewell, and for a callback that still runs.

        Raises:
            TimeoutError: A callback still runs; it is the last one.
            WouldDeadlockError: This was called in a callback.
        """
        core = self._core
        if core.dispatcher == threading.get_ident():
            core.refuse_in_callback("close")
        self._finish.detach()
        if not core.close(limit(timeout, "timeout") or 0.0):
            raise TimeoutError(f"a callback has not returned within {timeout} s")
        if core.thread is not None and not core.forked:
            core.thread.join(GLANCE)

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
            # What has ended the block matters more.
            if error is None:
                raise

    def __repr__(self) -> str:
        return f"<Client, {self.state}>"


class _Reply(_hooks.Reply):
    """An answer that a thread waits for."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.arrived = Latch()
        self.status, self.text = 0, b""

    def arrive(self, status: int, text: bytes) -> None:
        self.status, self.text = status, text
        self.arrived.set()
