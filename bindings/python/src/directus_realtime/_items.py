"""Items over the socket: the messages, and the synchronous way to send them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Union

from ._errors import InvalidArgumentError
from ._options import Key, key_text
from ._query import Query, check_query

Keys = Union[Key, Iterable[Key]]
Message = dict[str, Any]


def _keys_of(what: object) -> list[str] | None:
    """Several keys; None where `what` is a single one."""
    if isinstance(what, (int, str, uuid.UUID)):
        return None
    if isinstance(what, (bytes, bytearray, Mapping)) or not isinstance(what, Iterable):
        kind = type(what).__name__
        raise TypeError(f"a primary key (int, str or UUID) is wanted, or several, not {kind}")
    return [key_text(key, "a key") for key in what]


def _which(what: object) -> Message | None:
    """What says which items; None where there are none."""
    several = _keys_of(what)
    if several is None:
        return {"id": key_text(what, "the key")}
    # To the server, no keys are all of them.
    return {"ids": several} if several else None


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
    check_query(query)
    if what is None:
        return message(collection, "read", query=query or {})
    which = _which(what)
    return None if which is None else message(collection, "read", **which, query=query)


def create_message(collection: str, data: Any, query: Query | None) -> Message | None:
    """To make items; None where there is nothing to make."""
    check_query(query)
    if not isinstance(data, Mapping):
        if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
            raise TypeError(f"data must be a mapping or several, not {type(data).__name__}")
        data = list(data)
        for item in data:
            _check_changes(item, "an item")
        if not data:
            return None
    return message(collection, "create", data=data, query=query)


def _check_changes(changes: object, name: str) -> None:
    if not isinstance(changes, Mapping):
        raise TypeError(f"{name} must be a mapping, such as a dict, not {type(changes).__name__}")


def update_message(collection: str, keys: Keys, changes: Any) -> Message | None:
    """To change items; None where there is nothing to change."""
    _check_changes(changes, "changes")
    which = _which(keys)
    return None if which is None else message(collection, "update", **which, data=changes)


def singleton_message(collection: str, changes: Any) -> Message:
    """To change a singleton."""
    _check_changes(changes, "changes")
    return message(collection, "update", data=changes)


def delete_message(collection: str, keys: Keys) -> Message | None:
    """To delete items; None where there is nothing to delete."""
    which = _which(keys)
    return None if which is None else message(collection, "delete", **which)


def check_collection(collection: object) -> str:
    """The name of a collection."""
    if not isinstance(collection, str):
        raise TypeError(f"collection must be a str, not {type(collection).__name__}")
    if not collection:
        raise InvalidArgumentError("collection is empty: name one")
    return collection


class Items:
    """The items of a collection, over the client's link."""

    def __init__(self, send: Callable[..., dict[str, Any]], collection: str) -> None:
        self._send = send
        #: The collection's name.
        self.collection: str = check_collection(collection)

    def __repr__(self) -> str:
        return f"<Items of {self.collection!r}>"

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
        return self._ask(create_message(self.collection, data, query), timeout)

    def update(
        self, keys: Keys, changes: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        """Changes the item of a key, or several alike; returns them as they are then."""
        return self._ask(update_message(self.collection, keys, changes), timeout)

    def update_singleton(self, changes: Mapping[str, Any], *, timeout: float | None = None) -> Any:
        """Changes the item of a singleton."""
        return self._ask(singleton_message(self.collection, changes), timeout)

    def delete(self, keys: Keys, *, timeout: float | None = None) -> None:
        """Deletes the item of a key, or several."""
        self._ask(delete_message(self.collection, keys), timeout)
