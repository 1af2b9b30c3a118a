"""Live collections of the asyncio client, and the method that opens them."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Generic

from .._callback_runner import CallbackRunner
from .._callbacks import Callbacks
from .._core import Core
from .._errors import ServerError
from .._link import States
from .._live import LiveBase, checked, ignore
from .._live_calls import LiveCalls, Verification
from .._live_state import LiveState
from .._live_updates import LiveUpdate
from .._options import Query
from .._subscription_state import ScopeState
from .._typing import Row
from ._consumer import CallbackConsumer, IteratorConsumer
from ._flow_control import FlowControl
from ._loop import ClientLoop
from ._waiting import LoopWaiting

OnChange = Callable[[LiveUpdate[Row]], Any]


class UpdateIterator(IteratorConsumer):
    """Keeps updates until an iteration takes them."""

    def __init__(self, loop: ClientLoop, flow: FlowControl, states: States) -> None:
        super().__init__(loop, flow, states, changes_only=False)

    def _weight(self, event: LiveUpdate[Any]) -> int:
        return event._weight

    def _refusal(self, event: LiveUpdate[Any]) -> ServerError:
        return event._refusal()


class LiveConsumer(CallbackConsumer):
    """Passes updates to the callback, and to the iterations that there are."""

    def __init__(
        self, loop: ClientLoop, flow: FlowControl, runner: CallbackRunner, states: States
    ) -> None:
        super().__init__(loop, flow, runner, ignore)
        self._states = states
        #: One that was left is garbage.
        self._iterators: weakref.WeakSet[UpdateIterator] = weakref.WeakSet()

    def set_callback(self, callback: Callable[[LiveUpdate[Any]], Any]) -> None:
        """Replaces the callback."""
        self._callback = callback

    def iterate(self) -> UpdateIterator:
        """A new iteration."""
        iterator = UpdateIterator(self._loop, self._flow, self._states)
        self._iterators.add(iterator)
        return iterator

    def take(self, update: LiveUpdate[Any]) -> None:
        """An update has come."""
        for iterator in list(self._iterators):
            iterator.consume(update)
        self.consume(update)

    def wake(self) -> None:
        """See `Consumer`."""
        for iterator in list(self._iterators):
            iterator.wake()

    def _weight(self, event: LiveUpdate[Any]) -> int:
        return event._weight

    def _end(self) -> None:
        super()._end()
        for iterator in list(self._iterators):
            iterator.end()


class LiveUpdates(AsyncIterator[LiveUpdate[Row]], Generic[Row]):
    """The updates of a live collection, from the beginning of an iteration on."""

    def __init__(self, iterator: UpdateIterator | None) -> None:
        #: None where the live collection had ended before.
        self._iterator = iterator

    def __aiter__(self) -> LiveUpdates[Row]:
        return self

    async def __anext__(self) -> LiveUpdate[Row]:
        if self._iterator is None:
            raise StopAsyncIteration
        update: LiveUpdate[Row] = await self._iterator.next()
        return update


class Live(LiveBase[Row]):
    """A live collection of the asyncio client: the server's rows, in its order.

    It is a sequence of rows (`live[0]`, `len(live)`, slices, iteration), which changes when
    an update is delivered. Rows that have not changed stay the same objects; do not modify
    them.

    `async for update in live` gets the updates from then on; each iteration gets all of them.
    When the client fails, or the server refuses the live collection, it raises the reason.
    The rows may be ahead of an update that has waited. Updates that an iteration has not taken
    are held; with more than 1 MiB of them all subscriptions wait.

    It may be dropped: it continues until its scope or client ends, and `client.live` with its
    uid, or `get_active_subscriptions`, returns it.
    """

    __slots__ = ("_consumer", "_waiting")

    def __init__(
        self,
        core: Core,
        state: LiveState,
        calls: LiveCalls,
        waiting: LoopWaiting,
        consumer: LiveConsumer | None,
    ) -> None:
        super().__init__(core, state, calls)
        self._waiting = waiting
        self._consumer = consumer

    def on_change(self, callback: OnChange[Row] | None) -> None:
        """Sets the callback for updates, a function or coroutine function; None removes it.

        It is called when the rows have changed already, with the updates from now on.
        """
        function = checked(callback) or ignore
        if self._consumer is not None:
            self._consumer.set_callback(function)

    def __aiter__(self) -> LiveUpdates[Row]:
        consumer = None if self.ended else self._consumer
        return LiveUpdates(None if consumer is None else consumer.iterate())

    async def ready(self, timeout: float | None = None) -> None:
        """Waits until its rows are the server's: until its status is `current`.

        Args:
            timeout: How long to wait, in seconds; None for no limit.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended.
            TimeoutError: It was not current in time; the message says why the client is not
                connected, if it is not.
            DirectusRealtimeError: The client has failed, and why.
        """
        await self._waiting.finished(self._live_calls.current(self._live, timeout))

    async def verify(self, timeout: float | None = None) -> Verification:
        """Compares the rows with the server's answer now, and repairs what differs.

        The repair is an update as any other. What the server has told within the last
        moments is no difference.

        Args:
            timeout: How long to wait for the server, in seconds; None means 30.

        Raises:
            TimeoutError: The rows could not be read in time.
            ServerError: The server has refused to show them.
            ClosedError: It has ended.
        """
        return await self._waiting.finished(self._live_calls.verified(self._live, timeout))


class LiveOpening(ABC):
    """What clients and scopes have in common."""

    @abstractmethod
    def _open_live(
        self, collection: str, on_change: OnChange[Any] | None, **options: Any
    ) -> Live[Any]:
        """Opens a live collection with these options."""

    def live(
        self,
        collection: str,
        *,
        query: Query | None = None,
        uid: str | None = None,
        persistent: bool = False,
        primary_key: str = "id",
        depends_on: str | Iterable[str] = (),
        verify: float | None = 300.0,
        on_change: OnChange[Row] | None = None,
    ) -> Live[Row]:
        """Holds in memory the rows with which the server would answer a query, and keeps them so.

        It returns at once; `await live.ready()` waits for the rows. See
        `directus_realtime.Client.live`.

        Args:
            collection: The collection's name.
            query: `fields`, `filter`, `sort`, `limit`, `offset`, `page`, `search`, `deep`,
                `alias`; None for every row, by primary key. Without a limit it means all
                rows.
            uid: A name, among those of the subscriptions. If another live collection has it,
                that one is returned, and `on_change` is not used.
            persistent: Whether `unsubscribe_all`, `unsubscribe_collection` and the end of
                a scope leave it.
            primary_key: The name of the primary key's field.
            depends_on: Further collections whose changes may change rows: those of the
                relations that fields, filter or sort name.
            verify: How often all rows are compared with the server's answer, in seconds;
                None or 0 for never.
            on_change: A function or coroutine function, called with one `LiveUpdate` after
                the other, when the rows have changed already.

        Raises:
            InvalidArgumentError: An argument is wrong, or the query cannot be held (such as
                one with `aggregate`, or without the primary key); the message says why.
            ClosedError: The client or the scope is closed.
        """
        return self._open_live(
            collection,
            on_change,
            query=query,
            uid=uid,
            persistent=persistent,
            primary_key=primary_key,
            depends_on=depends_on,
            verify=verify,
        )


class LiveOpener:
    """Opens live collections with a consumer."""

    def __init__(
        self, core: Core, loop: ClientLoop, waiting: LoopWaiting, flow: FlowControl
    ) -> None:
        self._core = core
        self._loop = loop
        self._calls = LiveCalls(core, waiting)
        self._waiting = waiting
        self._flow = flow

    def open(
        self,
        callbacks: Callbacks,
        scope: ScopeState | None,
        collection: str,
        on_change: OnChange[Any] | None,
        **options: Any,
    ) -> Live[Any]:
        """Opens a live collection; `callbacks` will own its consumer."""
        function = checked(on_change)
        self._loop.bind()
        consumer = LiveConsumer(self._loop, self._flow, self._core.runner, self._core.states)
        if function is not None:
            consumer.set_callback(function)
        state = self._core.subscriptions.live(
            collection, consumer.take, callbacks, scope, consumer=consumer, **options
        )
        return self.view_of(state)

    def view_of(self, state: LiveState) -> Live[Any]:
        """An object for a live collection."""
        consumer = None if state.consumer is None else state.consumer()
        assert consumer is None or isinstance(consumer, LiveConsumer)
        return Live(self._core, state, self._calls, self._waiting, consumer)
