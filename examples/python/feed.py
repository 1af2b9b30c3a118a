"""A live feed: the latest posts as a table that redraws itself.

    DIRECTUS_TOKEN=… python feed.py http://localhost:8055

Needs rich (requirements.txt). Ends by Ctrl-C.
"""

import contextlib
import logging
import os
import sys
import threading

import directus_realtime
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

SHOWN = 20
QUERY = {"fields": ["id", "title", "status"], "sort": ["-id"]}


def picture(posts: directus_realtime.Live, online: bool, note: str) -> Group:
    status = Text("● Online" if online else "○ Offline", "green" if online else "red")
    table = Table("id", "title", "status", title="Live posts feed", min_width=60)
    for post in posts[:SHOWN]:
        # As Text, so that square brackets are not interpreted as markup.
        table.add_row(str(post["id"]), Text(post["title"] or ""), Text(post["status"] or ""))
    if posts.error:
        note = posts.error["message"]
    return Group(status, table, Text(note, "yellow"))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... feed.py URL")
    # The output shows the state of the link.
    directus_realtime.set_log(logging.CRITICAL)
    token, changed, note = os.environ.get("DIRECTUS_TOKEN"), threading.Event(), ""

    def on_state(change: directus_realtime.StateChange) -> None:
        nonlocal note
        note = "" if change.state == "connected" else change.message
        changed.set()

    with directus_realtime.Client(sys.argv[1], access_token=token) as client:
        client.on_state(on_state)
        posts = client.live("posts", query=QUERY, on_change=lambda update: changed.set())
        with Live(auto_refresh=False) as live:
            while True:
                now = picture(posts, client.is_connected, note)
                live.update(now, refresh=True)
                if not live.console.is_terminal:
                    # Not a terminal: print each version below the last one.
                    live.console.print(now)
                changed.wait()
                changed.clear()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
