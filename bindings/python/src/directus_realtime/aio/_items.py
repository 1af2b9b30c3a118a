"""Items over the link, for asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .._items import (
    Keys,
    Message,
    check_collection,
    create_message,
    delete_message,
    read_message,
    singleton_message,
    update_message,
)
from .._options import Query


class Items:
    """The items of a collection, over the client's link."""

    def __init__(self, send: Callable[..., Awaitable[dict[str, Any]]], collection: str) -> None:
        self._send = send
        #: The collection's name.
        self.collection: str = check_collection(collection)

    def __repr__(self) -> str:
        return f"<Items of {self.collection!r}>"

    async def _ask(self, message: Message, timeout: float | None) -> Any:
        answer = await self._send(message, timeout=timeout)
        return answer.get("data")

    async def read(
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
        return await self._ask(read_message(self.collection, what, query), timeout)

    async def create(
        self, data: Any, query: Query | None = None, *, timeout: float | None = None
    ) -> Any:
        """Creates an item, or several from a list, and returns them as they were stored."""
        return await self._ask(create_message(self.collection, data, query), timeout)

    async def update(
        self, keys: Keys, changes: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        """Updates the item of a key, or several alike, and returns them as they were stored."""
        return await self._ask(update_message(self.collection, keys, changes), timeout)

    async def update_singleton(
        self, changes: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        """Updates a singleton, and returns it as it was stored."""
        return await self._ask(singleton_message(self.collection, changes), timeout)

    async def delete(self, keys: Keys, *, timeout: float | None = None) -> None:
        """Deletes the item of a key, or several."""
        await self._ask(delete_message(self.collection, keys), timeout)
