"""Prints the posts of a Directus server, and then every change.

    DIRECTUS_TOKEN=… python demo.py http://localhost:8055

Ends with its standard input: Ctrl-D in a terminal.
"""

import logging
import os
import sys

from directus_realtime import Client, Event, StateChange, set_log

MARKS = {"create": "+ create", "update": "~ update", "delete": "- delete"}


def show_post(mark: str, post: dict) -> None:
    title, status = post.get("title") or "", post.get("status") or ""
    print(f"{mark:8} {post['id']:>4}  {title:34} {status}".rstrip(), flush=True)


def on_event(event: Event) -> None:
    if event.type == "init":
        # After a gap, such as a restart of the server, the snapshot replaces the old posts.
        print("= the posts now, after the gap:" if event.resync else "= the posts:", flush=True)
        for post in event.data:
            show_post("", post)
    elif event.type == "error":
        print(f"! error  {event.data['message']}", flush=True)
    else:
        show_post(MARKS[event.type], event.data)


def on_state(change: StateChange) -> None:
    print("●" if change.state == "connected" else "○", change.message, flush=True)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... demo.py URL")
    # The program prints the state of the link itself.
    set_log(logging.CRITICAL)
    token = os.environ.get("DIRECTUS_TOKEN")
    with Client(sys.argv[1], access_token=token, reconnect_min=1, reconnect_max=2) as client:
        client.on_state(on_state)
        query = {"fields": ["id", "title", "status"], "sort": ["id"]}
        client.subscribe("posts", on_event, query=query)
        # Callbacks run on a thread of the client; this thread is free for other work.
        sys.stdin.read()
        stats = client.stats
    print(
        f"closed after {stats.events} events, {stats.reconnects} lost link(s),"
        f" {stats.resyncs} gap(s) filled"
    )


if __name__ == "__main__":
    main()
