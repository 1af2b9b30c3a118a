"""Items over the link: the messages, and the synchronous methods that send them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Union

from ._errors import InvalidArgumentError
from ._options import Key, Query, check_query, key_text

Keys = Union[Key, Iterable[Key]]
Message = dict[str, Any]


def _keys_of(what: object) -> list[str] | None:
    """Several keys as text; None where `what` is a single one."""
    if isinstance(what, (int, str, uuid.UUID)):
        return None
    if isinstance(what, (bytes, bytearray, Mapping)) or not isinstance(what, Iterable):
        kind = type(what).__name__
        raise TypeError(f"keys must be a primary key (int, str or UUID) or several, not {kind}")
    return [key_text(key, "a key") for key in what]


def _which(what: object) -> Message:
    """The part of a message that names items."""
    several = _keys_of(what)
    return {"id": key_text(what, "the key")} if several is None else {"ids": several}


def message(collection: str, action: str, **rest: Any) -> Message:
    """A request of type `items`, without the parts that are None."""
    given = {name: value for name, value in rest.items() if value is not None}
    return {"type": "items", "action": action, "collection": collection, **given}


def read_message(collection: str, what: Any, query: Query | None) -> Message:
    """The request that reads items."""
    if isinstance(what, Mapping):
        if query is not None:
            raise InvalidArgumentError("query is given twice: pass it once")
        what, query = None, what
    check_query(query)
    if what is None:
        return message(collection, "read", query=query or {})
    return message(collection, "read", **_which(what), query=query)


def create_message(collection: str, data: Any, query: Query | None) -> Message:
    """The request that creates items."""
    check_query(query)
    if not isinstance(data, Mapping):
        if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
            raise TypeError(f"data must be a mapping, or several, not {type(data).__name__}")
        data = list(data)
        for item in data:
            _check_changes(item, "an item")
    return message(collection, "create", data=data, query=query)


def _check_changes(changes: object, name: str) -> None:
    if not isinstance(changes, Mapping):
        raise TypeError(f"{name} must be a mapping, such as a dict, not {type(changes).__name__}")


def update_message(collection: str, keys: Keys, changes: Any) -> Message:
    """The request that updates items."""
    _check_changes(changes, "changes")
    return message(collection, "update", **_which(keys), data=changes)


def singleton_message(collection: str, changes: Any) -> Message:
    """The request that updates a singleton."""
    _check_changes(changes, "changes")
    return message(collection, "update", data=changes)


def delete_message(collection: str, keys: Keys) -> Message:
    """The request that deletes items."""
    return message(collection, "delete", **_which(keys))


def check_collection(collection: object) -> str:
    """Returns the name of a collection, once it was checked."""
    if not isinstance(collection, str):
        raise TypeError(f"collection must be a str, not {type(collection).__name__}")
    if not collection:
        raise InvalidArgumentError("collection is empty: pass the name of a collection")
    return collection


class Items:
    """The items of a collection, over the client's link."""

    def __init__(self, send: Callable[..., dict[str, Any]], collection: str) -> None:
        self._send = send
        #: The collection's name.
        self.collection: str = check_collection(collection)

    def __repr__(self) -> str:
        return f"<Items of {self.collection!r}>"

    def _ask(self, message: Message, timeout: float | None) -> Any:
        return self._send(message, timeout=timeout).get("data")

    def read(
        self, what: Any = None, query: Query | None = None, *, timeout: float | None = None
    ) -> Any:
        """Reads items.

        Args:
            what: A primary key for one item, several keys for a list, or the query.
            query: `fields`, `filter`, `sort`, `limit`, `deep` …
            timeout: How long to wait for a link and the reply, in seconds; None means
                30.

        Returns:
            One item for a key, otherwise a list, without keys that do not exist.
        """
        return self._ask(read_message(self.collection, what, query), timeout)

    def create(self, data: Any, query: Query | None = None, *, timeout: float | None = None) -> Any:
        """Creates an item, or several from a list, and returns them as they were stored."""
        return self._ask(create_message(self.collection, data, query), timeout)

    def update(
        self, keys: Keys, changes: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        """Updates the item of a key, or several alike, and returns them as they were stored."""
        return self._ask(update_message(self.collection, keys, changes), timeout)

    def update_singleton(self, changes: Mapping[str, Any], *, timeout: float | None = None) -> Any:
        """Updates a singleton, and returns it as it was stored."""
        return self._ask(singleton_message(self.collection, changes), timeout)

    def delete(self, keys: Keys, *, timeout: float | None = None) -> None:
        """Deletes the item of a key, or several."""
        self._ask(delete_message(self.collection, keys), timeout)
