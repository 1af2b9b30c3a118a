"""Items over the socket: the messages, and the synchronous way to send them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

from ._errors import InvalidArgumentError
from ._options import Key, Query

Keys = Union[Key, Sequence[Key]]
Message = dict[str, Any]


def _is_many(what: object) -> bool:
    return isinstance(what, Sequence) and not isinstance(what, (str, bytes))


def _key(key: object) -> str:
    # The server takes the key 0 for none at all, and would read, or change, the whole
    # collection; as text it means what it says.
    if key is None or key == "" or isinstance(key, (bool, float, bytes, Mapping)):
        raise InvalidArgumentError(f"{key!r} is not a primary key")
    return str(key)


def _which(keys: Keys) -> Message:
    if _is_many(keys):
        return {"ids": [_key(key) for key in keys]}  # type: ignore[union-attr]
    return {"id": _key(keys)}


def message(collection: str, action: str, **rest: Any) -> Message:
    """A message for the items service; what is None is left out."""
    given = {name: value for name, value in rest.items() if value is not None}
    return {"type": "items", "action": action, "collection": collection, **given}


def read_message(collection: str, what: Any, query: Query | None) -> Message | None:
    """To read items; None where there is nothing to ask for."""
    if isinstance(what, Mapping):
        if query is not None:
            raise InvalidArgumentError("query is given twice")
        what, query = None, what
    if what is None:
        return message(collection, "read", query=query or {})
    if _is_many(what) and not what:
        # To the server, no keys are all of them.
        return None
    return message(collection, "read", **_which(what), query=query)


def write_message(collection: str, action: str, keys: Keys, data: Any = None) -> Message | None:
    """To update or delete items; None where there is nothing to ask for."""
    if _is_many(keys) and not keys:
        return None
    return message(collection, action, **_which(keys), data=data)


class Items:
    """The items of a collection, over the client's link."""

    def __init__(self, send: Callable[..., dict[str, Any]], collection: str) -> None:
        self._send = send
        self.collection = collection

    def _ask(self, message: Message | None, timeout: float | None) -> Any:
        return [] if message is None else self._send(message, timeout=timeout).get("data")

    def read(
        self, what: Any = None, query: Query | None = None, *, timeout: float | None = None
    ) -> Any:
        """Reads items.

        Args:
            what: A primary key for one item, several for a list, or the query.
            query: `fields`, `filter`, `sort`, `limit`, `deep` …
            timeout: Seconds for the answer; None means 30.

        Returns:
            One item for a key, otherwise a list; keys that are not there are left out.
        """
        return self._ask(read_message(self.collection, what, query), timeout)

    def create(self, data: Any, query: Query | None = None, *, timeout: float | None = None) -> Any:
        """Creates an item, or several from a list; returns them as they are then."""
        made = message(self.collection, "create", data=data, query=query)
        return self._ask(made, timeout)

    def update(
        self, keys: Keys, changes: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        """Changes the item of a key, or several alike; returns them as they are then."""
        return self._ask(write_message(self.collection, "update", keys, changes), timeout)

    def update_singleton(self, changes: Mapping[str, Any], *, timeout: float | None = None) -> Any:
        """Changes the item of a singleton."""
        return self._ask(message(self.collection, "update", data=changes), timeout)

    def delete(self, keys: Keys, *, timeout: float | None = None) -> None:
        """Deletes the item of a key, or several."""
        self._ask(write_message(self.collection, "delete", keys), timeout)
