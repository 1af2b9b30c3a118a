"""Follows the posts of a Directus server on Qt's loop, in a window.

    DIRECTUS_TOKEN=… python with_qt.py http://localhost:8055

Needs PySide6 (requirements.txt). Ends with its window, or by Ctrl-C.
"""

import os
import signal
import socket
import sys
import threading

from directus_realtime import Client, Event
from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication, QListWidget


def main(url: str) -> int:
    app = QApplication(sys.argv[:1])
    window = QListWidget(windowTitle="Posts")
    window.show()

    def on_event(event: Event) -> None:
        # On the thread of the window, which only that thread may change.
        assert threading.current_thread() is threading.main_thread()
        window.addItem(f"{event.type} {event.data}")
        print(window.item(window.count() - 1).text(), flush=True)

    token = os.environ.get("DIRECTUS_TOKEN")
    with Client(url, access_token=token, thread=False) as client:
        client.on_state(lambda change: window.setWindowTitle(f"Posts: {change.message}"))
        client.subscribe("posts", on_event, query={"fields": ["id", "title"], "sort": ["id"]})
        library = QSocketNotifier(client.fileno(), QSocketNotifier.Type.Read)
        # At most so many callbacks in a row, so that the window stays responsive.
        library.activated.connect(lambda: client.dispatch(max_events=100))
        interrupts = watch_interrupts(app)
        status = app.exec()
        library.setEnabled(False)
        interrupts.setEnabled(False)
    return status


def watch_interrupts(app: QApplication) -> QSocketNotifier:
    """Ctrl-C ends the loop: Python handles signals only between its own instructions."""
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    signal.set_wakeup_fd(waker.detach())
    notifier = QSocketNotifier(woken.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: woken.recv(1))
    return notifier


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: DIRECTUS_TOKEN=... with_qt.py URL")
    sys.exit(main(sys.argv[1]))
