"""Shows each new notification of the current user for five seconds.

    DIRECTUS_TOKEN=… python notifications.py http://localhost:8055

What came while the link was down is shown when it is back; that it is down is said by the
library's log, on standard error. Ends by Ctrl-C.
"""

import asyncio
import contextlib
import os
import sys

from directus_realtime import DirectusRealtimeError
from directus_realtime.aio import Client

SHOWN_SECONDS = 5


class Board:
    """The notifications that are currently shown."""

    def __init__(self) -> None:
        self.notices: dict[int, str] = {}
        # All ids, as they may not arrive in order when several are created at once.
        self.known: set[int] = set()
        self.draw()

    def show(self, notice: dict) -> None:
        if notice["id"] in self.known:
            return
        self.known.add(notice["id"])
        self.notices[notice["id"]] = notice["message"]
        asyncio.get_running_loop().call_later(SHOWN_SECONDS, self.vanish, notice["id"])
        self.draw()

    def vanish(self, key: int) -> None:
        self.notices.pop(key, None)
        self.draw()

    def draw(self) -> None:
        lines = [f"* {message}" for message in self.notices.values()]
        print("\n".join(lines or ["(nothing new)"]), end="\n\n", flush=True)


async def main(url: str) -> None:
    board = Board()
    async with Client(url, access_token=os.environ.get("DIRECTUS_TOKEN")) as client:
        notifications = await client.subscribe(
            "notifications",
            uid="global-notifications",
            persistent=True,
            query={"filter": {"user_id": {"_eq": "$CURRENT_USER"}}, "sort": ["id"], "limit": -1},
        )
        # Fails with the reason if the server refuses the token or the subscription.
        await notifications.wait()
        async for event in notifications:
            if event.type == "create":
                board.show(event.data)
            elif event.type == "init" and not event.resync:
                # The first snapshot has the old ones, which are not shown.
                board.known.update(notice["id"] for notice in event.data)
            elif event.type == "init":
                for notice in event.data:
                    board.show(notice)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... notifications.py URL")
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(main(sys.argv[1]))
        except DirectusRealtimeError as error:
            sys.exit(f"! {error}")
