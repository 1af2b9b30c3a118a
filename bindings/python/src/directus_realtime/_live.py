"""Live collections, and the method that opens them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Generic, Union, cast, overload

from ._core import Core
from ._delivery import Delivery
from ._live_calls import LiveCalls, Verification
from ._live_state import LiveRow, LiveState, LiveStatus
from ._live_updates import LiveUpdate
from ._options import Key, Query, key_text
from ._subscription import Handler
from ._typing import Row

OnChange = Callable[[LiveUpdate[Row]], object]


class LiveKeys(Collection[Union[int, str]]):
    """The primary keys of a live collection, in the order of the rows."""

    def __init__(self, state: LiveState) -> None:
        self._state = state

    def __contains__(self, key: object) -> bool:
        return str(key) in self._state.by_key

    def __iter__(self) -> Iterator[int | str]:
        return iter([row.key for row in self._state.shown.rows.copy()])

    def __len__(self) -> int:
        return len(self._state.shown.rows)

    def __repr__(self) -> str:
        return f"LiveKeys({list(self)!r})"


class LiveBase(Handler, Sequence[Row], Generic[Row]):
    """What both clients' live collections have in common."""

    __slots__ = ("_live", "_live_calls")

    def __init__(self, core: Core, state: LiveState, calls: LiveCalls) -> None:
        super().__init__(core, state)
        self._live = state
        self._live_calls = calls

    @property
    def status(self) -> LiveStatus:
        """How far it is, for instance `LiveStatus.CURRENT`, which equals `"current"`."""
        return LiveStatus.ENDED if self.ended else self._live.status

    @property
    def error(self) -> dict[str, Any] | None:
        """The server's error object, if that is why the rows may be old, or why it has ended."""
        return self._live.error

    @property
    def revision(self) -> int:
        """How many updates have changed rows so far; it may skip numbers."""
        return self._live.revision

    def get(self, key: Key) -> Row | None:
        """The row with this primary key; None where there is none."""
        row = self._live.by_key.get(key_text(key, "key"))
        return None if row is None else cast("Row", row.value)

    def keys(self) -> LiveKeys:
        """The primary keys, in the order of the rows: `key in live.keys()`."""
        return LiveKeys(self._live)

    def close(self) -> bool:
        """Ends it; False when it had ended already. The rows stay as they were last.

        When this returns, its callback does not run and will not run again. If it was
        called inside this very callback, the running call is the last.
        """
        return self.unsubscribe()

    def resync(self) -> None:
        """Reads all rows anew, at once or on the next link, and reports what differs.

        For changes of which the server does not tell; `verify` also says what it has found.

        Raises:
            ClosedError: It has ended.
        """
        super().resync()

    # The rows of one moment, whatever is delivered meanwhile

    def _rows(self) -> list[LiveRow]:
        return self._live.shown.rows.copy()

    def __len__(self) -> int:
        return len(self._live.shown.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [row.value for row in self._live.shown.rows[index]]
        return cast("Row", self._live.shown.rows[index].value)

    def __iter__(self) -> Iterator[Row]:
        return (row.value for row in self._rows())

    def __reversed__(self) -> Iterator[Row]:
        return (row.value for row in reversed(self._rows()))

    def __contains__(self, value: object) -> bool:
        return any(row is value or row == value for row in self)

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """The place of a row; see `list.index`."""
        rows = self[:]
        return rows.index(value, start, len(rows) if stop is None else stop)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __repr__(self) -> str:
        kind, count = type(self).__name__, len(self)
        return f"<{kind} {self.uid!r} of {self.collection!r}, {self.status}, {count} rows>"


class Live(LiveBase[Row]):
    """A live collection of the synchronous client: the server's rows, in its order.

    It is a sequence of rows (`live[0]`, `len(live)`, slices, iteration), which changes when
    an update is delivered. Rows that have not changed stay the same objects; do not modify
    them. While you iterate, or in a slice, you have the rows of one moment.

    It may be dropped: it continues until its scope or client ends, and `client.live` with its
    uid, or `get_active_subscriptions`, returns it.
    """

    __slots__ = ("_delivery",)

    def __init__(self, core: Core, state: LiveState, calls: LiveCalls, delivery: Delivery) -> None:
        super().__init__(core, state, calls)
        self._delivery = delivery

    def on_change(self, callback: OnChange[Row] | None) -> None:
        """Sets the callback for updates; None removes it.

        It runs where the callbacks of subscriptions run, when the rows have changed already.
        It gets the updates from now on: look at the rows first.
        """
        self._core.subscriptions.set_callback(self._live, checked(callback) or ignore)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until its rows are the server's: until its status is `current`.

        Args:
            timeout: How long to wait, in seconds; None for no limit.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended.
            TimeoutError: It was not current in time; the message says why the client is not
                connected, if it is not.
            DirectusRealtimeError: The client has failed, and why.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("wait")
        self._delivery.finished(self._live_calls.current(self._live, timeout))

    def verify(self, timeout: float | None = None) -> Verification:
        """Compares the rows with the server's answer now, and repairs what differs.

        The repair is an update as any other. What the server has told within the last
        moments is no difference.

        Args:
            timeout: How long to wait for the server, in seconds; None means 30.

        Raises:
            TimeoutError: The rows could not be read in time.
            ServerError: The server has refused to show them.
            ClosedError: It has ended.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("verify")
        return self._delivery.finished(self._live_calls.verified(self._live, timeout))


def ignore(update: LiveUpdate[Any]) -> None:
    """The callback of a live collection without one."""


def checked(callback: OnChange[Row] | None) -> OnChange[Row] | None:
    """A callback, or None; raises `TypeError` for what is neither."""
    if callback is not None and not callable(callback):  # pyright: ignore[reportUnnecessaryComparison]
        raise TypeError(f"on_change must be callable, not {type(callback).__name__}")
    return callback


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

        It returns at once; `wait` waits for the rows. The first one connects. With a
        `TypedDict` for the rows: `posts: Live[Post] = client.live("posts")`.

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
            on_change: Called with each `LiveUpdate`, when the rows have changed already; see
                `Live.on_change`.

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
