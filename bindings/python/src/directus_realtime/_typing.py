"""The types that the application gives to what the server sends: often a `TypedDict`.

`Row` is that of a live collection's rows, a dict by default. `Data_co` is that of an
event's data, which also may be a snapshot or an error: without one it is `Any`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Row = TypeVar("Row", default=dict[str, Any])
    Data_co = TypeVar("Data_co", covariant=True, default=Any)
else:
    from typing import TypeVar

    Row = TypeVar("Row")
    Data_co = TypeVar("Data_co", covariant=True)
