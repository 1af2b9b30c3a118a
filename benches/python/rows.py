"""All rows of a collection in Python: through a live collection, or through its peer.

The peer is the `websockets` package with `json`: it reads the rows and parses the answer.

    rows.py --url URL --rows N [--peer | --no-peer]

The server is that of `benches/library`. Prints one line of JSON: seconds until the rows are
there, and until each of them was looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any


class Watch:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.opened = self.iterated = 0.0

    def has(self, rows: Iterable[dict[str, Any]], count: int) -> None:
        """The rows are there: looks at each."""
        self.opened = time.perf_counter() - self._began
        assert sum(1 for row in rows if row["id"]) == count
        self.iterated = time.perf_counter() - self._began


def package(url: str, count: int) -> Watch:
    """Through the package, on this thread."""
    from directus_realtime import Client

    with Client(url, access_token="t", thread=False) as client:
        client.wait(timeout=10)
        watch = Watch()
        posts = client.live("posts")
        posts.wait(timeout=60)
        watch.has(posts, count)
    return watch


async def peer(url: str, count: int) -> Watch:
    """Through the `websockets` package."""
    import websockets

    async with websockets.connect(url, compression=None, max_size=None) as link:
        await link.send('{"type":"auth","access_token":"t"}')
        await link.recv()
        watch = Watch()
        await link.send('{"type":"subscribe","collection":"posts","query":{"limit":0},"uid":"s"}')
        await link.recv()
        await link.send('{"type":"items","action":"read","collection":"posts","uid":"r"}')
        watch.has(json.loads(await link.recv())["data"], count)
    return watch


def main() -> None:
    """Runs once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=False)
    given = parser.parse_args()
    if given.peer:
        watch = asyncio.run(peer(given.url, given.rows))
    else:
        watch = package(given.url, given.rows)
    print(json.dumps({"opened": watch.opened, "iterated": watch.iterated}))


if __name__ == "__main__":
    main()
