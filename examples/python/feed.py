"""A live feed: the latest posts as a table that redraws itself.

    DIRECTUS_TOKEN=… python feed.py http://localhost:8055

Needs rich (requirements.txt). Ends by Ctrl-C.
"""

import contextlib
import logging
import os
import sys
import threading

from directus_realtime import Client, Event, set_log
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

SHOWN = 20


class Feed:
    """The shown posts, newest first."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.posts: dict[int, dict] = {}
        self.note = ""
        self.changed = threading.Event()

    def on_event(self, event: Event) -> None:
        if event.type == "init":
            # Replaces the old posts, which may be out of date after a gap.
            self.posts = {post["id"]: post for post in event.data}
        elif event.type == "delete":
            self.posts.pop(event.data["id"], None)
        elif event.type == "error":
            self.note = event.data["message"]
        else:
            self.posts[event.data["id"]] = event.data
        self.changed.set()

    def on_state(self, change) -> None:
        self.note = "" if change.state == "connected" else change.message
        self.changed.set()

    def picture(self) -> Group:
        online = self.client.is_connected
        status = Text("● Online" if online else "○ Offline", "green" if online else "red")
        table = Table("id", "title", "status", title="Live posts feed", min_width=60)
        posts = self.posts
        for key in sorted(posts, reverse=True)[:SHOWN]:
            post = posts[key]
            # As Text, so that square brackets are not interpreted as markup.
            table.add_row(str(key), Text(post["title"] or ""), Text(post["status"] or ""))
        return Group(status, table, Text(self.note, "yellow"))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... feed.py URL")
    # The output shows the state of the link.
    set_log(logging.CRITICAL)
    with Client(sys.argv[1], access_token=os.environ.get("DIRECTUS_TOKEN")) as client:
        feed = Feed(client)
        client.on_state(feed.on_state)
        query = {"fields": ["id", "title", "status"], "sort": ["-id"], "limit": -1}
        client.subscribe("posts", feed.on_event, query=query, uid="live-posts-feed")
        with Live(feed.picture(), auto_refresh=False) as live:
            while True:
                feed.changed.wait()
                feed.changed.clear()
                live.update(feed.picture(), refresh=True)
                if not live.console.is_terminal:
                    # Not a terminal: print each version below the last one.
                    live.console.print(feed.picture())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
