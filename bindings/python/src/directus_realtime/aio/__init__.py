"""The client for asyncio, whose callbacks run on the event loop.

from directus_realtime.aio import Client

async with Client("http://localhost:8055", access_token="…") as client:
    posts = await client.subscribe("posts")
    async for event in posts:
        print(event.type, event.data)
"""

from __future__ import annotations

from ._client import Client
from ._items import Items
from ._live import Live, LiveUpdates
from ._scope import Scope
from ._subscription import Subscription

__all__ = ["Client", "Items", "Live", "LiveUpdates", "Scope", "Subscription"]
