"""The type of the rows of a live collection: a `TypedDict` of the application's, or a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Row = TypeVar("Row", default=dict[str, Any])
else:
    from typing import TypeVar

    Row = TypeVar("Row")
