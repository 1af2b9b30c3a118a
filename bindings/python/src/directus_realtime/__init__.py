"""Live updates from a Directus server.

    from directus_realtime import Client

    with Client("http://localhost:8055", access_token="…") as client:
        client.subscribe("posts", lambda event: print(event.type, event.data))
        client.run()

`directus_realtime.aio` is the same for asyncio.
"""

from __future__ import annotations

from ._client import Client
from ._errors import (
    AuthenticationError,
    ClosedError,
    ConnectTimeoutError,
    DirectusRealtimeError,
    ForkedError,
    InternalError,
    InvalidArgumentError,
    NotConnectedError,
    NotFoundError,
    QueueFullError,
    ServerError,
    Status,
    TimeoutError,
    TlsError,
    TransportError,
    WouldDeadlockError,
)
from ._events import Event
from ._items import Items
from ._live import Live, LiveKeys
from ._live_calls import Verification
from ._live_state import LiveStatus
from ._live_updates import LiveChange, LiveUpdate
from ._log import set_log
from ._scope import Scope
from ._state import State, StateChange
from ._stats import Stats
from ._subscription import Subscription
from ._version import __version__

__all__ = [
    "AuthenticationError",
    "Client",
    "ClosedError",
    "ConnectTimeoutError",
    "DirectusRealtimeError",
    "Event",
    "ForkedError",
    "InternalError",
    "InvalidArgumentError",
    "Items",
    "Live",
    "LiveChange",
    "LiveKeys",
    "LiveStatus",
    "LiveUpdate",
    "NotConnectedError",
    "NotFoundError",
    "QueueFullError",
    "Scope",
    "ServerError",
    "State",
    "StateChange",
    "Stats",
    "Status",
    "Subscription",
    "TimeoutError",
    "TlsError",
    "TransportError",
    "Verification",
    "WouldDeadlockError",
    "__version__",
    "set_log",
]
