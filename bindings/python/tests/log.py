"""A callback that keeps its events."""

from __future__ import annotations

from directus_realtime import Event


class Log(list[Event]):
    """A callback that keeps its events."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def types(self) -> list[str]:
        return [event.type for event in self]

    def of(self, marker: str) -> list[Event]:
        """The changes of items with that title."""
        return [e for e in self if isinstance(e.data, dict) and e.data.get("title") == marker]
