"""Follows the posts of a Directus server on trio's loop.

    DIRECTUS_TOKEN=… python with_trio.py http://localhost:8055

Needs trio (requirements.txt). Ends by Ctrl-C.
"""

import os
import signal
import sys
import threading

import trio
from directus_realtime import Client, Event, StateChange


def on_event(event: Event) -> None:
    # On trio's thread, so it may use memory channels, events and nurseries as they are.
    assert threading.current_thread() is threading.main_thread()
    print(event.type, event.data, flush=True)


def on_state(change: StateChange) -> None:
    print("●" if change.state == "connected" else "○", change.message, flush=True)


async def deliver(client: Client) -> None:
    while True:
        await trio.lowlevel.wait_readable(client)
        # Without a limit a burst of events would keep other tasks waiting for long.
        client.dispatch(max_events=100)


async def main(url: str) -> None:
    token = os.environ.get("DIRECTUS_TOKEN")
    with Client(url, access_token=token, thread=False) as client:
        client.on_state(on_state)
        client.subscribe("posts", on_event, query={"fields": ["id", "title"], "sort": ["id"]})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deliver, client)
            with trio.open_signal_receiver(signal.SIGINT) as signals:
                # Whatever else the program does.
                async for _ in signals:
                    nursery.cancel_scope.cancel()
                    break
        # Nothing watches the descriptor any more: the client may be closed.


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... with_trio.py URL")
    trio.run(main, sys.argv[1])
