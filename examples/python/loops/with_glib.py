"""Follows the posts of a Directus server on GLib's loop, the one of GTK and GNOME.

    DIRECTUS_TOKEN=… python3 with_glib.py http://localhost:8055

Needs PyGObject (Debian's python3-gi). Ends by Ctrl-C.
"""

import contextlib
import os
import sys
import threading

from directus_realtime import Client, Event, StateChange
from gi.repository import GLib


def on_event(event: Event) -> None:
    # On the loop's thread, the only one that may use GTK.
    assert threading.current_thread() is threading.main_thread()
    print(event.type, event.data, flush=True)


def on_state(change: StateChange) -> None:
    print("●" if change.state == "connected" else "○", change.message, flush=True)


def main(url: str) -> None:
    token = os.environ.get("DIRECTUS_TOKEN")
    with Client(url, access_token=token, thread=False) as client:
        client.on_state(on_state)
        client.subscribe("posts", on_event, query={"fields": ["id", "title"], "sort": ["id"]})

        def on_readable(fd: int, condition: GLib.IOCondition) -> bool:
            # At most so many callbacks in a row, so that a window stays responsive.
            client.dispatch(max_events=100)
            return GLib.SOURCE_CONTINUE

        watch = GLib.unix_fd_add_full(
            GLib.PRIORITY_DEFAULT, client.fileno(), GLib.IOCondition.IN, on_readable
        )
        # PyGObject ends the loop at Ctrl-C, and raises this.
        with contextlib.suppress(KeyboardInterrupt):
            GLib.MainLoop().run()
        GLib.source_remove(watch)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... with_glib.py URL")
    main(sys.argv[1])
