"""One run of a flood of events in Python: through the package, or through its peer.

The peer is the `websockets` package with `json`, as an application would write it that does
without the package: it parses each frame, finds the handler of its uid and calls that.

    flood.py --url URL --frames N [--touch | --no-touch] [--peer | --no-peer]

The server is that of `benches/library`. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

Callback = Callable[[Any], object]


class Tally:
    """Counts events, and measures from the first to the last."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.seen = 0
        self.began = self.seconds = self.busy = self._busy_before = 0.0

    def count(self) -> bool:
        """One more event. Whether it was the last."""
        self.seen += 1
        if self.seen == 1:
            self.began, self._busy_before = time.perf_counter(), time.thread_time()
        elif self.seen == self.frames:
            self.seconds = time.perf_counter() - self.began
            self.busy = time.thread_time() - self._busy_before
            return True
        return False


def package(url: str, tally: Tally, *, touch: bool) -> None:
    """Through the package, on this thread."""
    from directus_realtime import Client

    def touched(event: Any) -> None:
        if event.type == "create":
            assert event.data["id"]
            tally.count()

    def untouched(event: Any) -> None:
        if event.type == "create":
            tally.count()

    # So large a queue that nothing overflows where the server is faster.
    with Client(url, access_token="t", thread=False, queue_bytes=1 << 32) as client:
        client.subscribe("posts", touched if touch else untouched)
        while not tally.seconds:
            client.dispatch(None)


async def peer(url: str, tally: Tally, *, touch: bool) -> None:
    """Through the `websockets` package."""
    import websockets

    def create(message: dict[str, Any]) -> bool:
        last = False
        for item in message["data"]:
            assert not touch or item["id"]
            last = tally.count()
        return last

    handlers = {"s": create}
    async with websockets.connect(url, compression=None, max_size=None) as link:
        await link.send('{"type":"subscribe","collection":"posts","uid":"s"}')
        await link.send('{"type":"items","action":"read","collection":"posts","uid":"r"}')
        async for text in link:
            message = json.loads(text)
            if message["type"] == "subscription" and message["event"] == "create":
                handler = handlers.get(message["uid"])
                if handler is not None and handler(message):
                    break


def main() -> None:
    """Runs once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--touch", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=False)
    given = parser.parse_args()
    tally = Tally(given.frames)
    if given.peer:
        asyncio.run(peer(given.url, tally, touch=given.touch))
    else:
        package(given.url, tally, touch=given.touch)
    result = {
        "events": tally.seen,
        "seconds": tally.seconds,
        "events_per_second": tally.frames / tally.seconds,
        "thread_seconds": tally.busy,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
