"""What eventlet and uWSGI change about waiting and threads."""

from __future__ import annotations

import select
import sys

from ._errors import DirectusRealtimeError, Status


def is_readable(fd: int, seconds: float | None) -> bool:
    """Waits until a descriptor is readable; without a limit where `seconds` is None."""
    if not hasattr(select, "poll"):
        # eventlet's `monkey_patch` removes it. Its `select` takes descriptors of any number,
        # and lets other green threads run.
        return bool(select.select([fd], [], [], seconds)[0])
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(None if seconds is None else max(0, round(seconds * 1000))))


def check_threads() -> None:
    """Raises where Python's threads do not run: under uWSGI without `enable-threads`.

    While it waits for requests, it holds the interpreter. So no callback would run, and the
    library's own thread, which logs by the interpreter, would wait as well.
    """
    uwsgi = sys.modules.get("uwsgi")
    # The loops of `gevent` and `asyncio` wait in Python, where threads run.
    if getattr(uwsgi, "has_threads", 1) == 0 and getattr(uwsgi, "loop", None) is None:
        raise DirectusRealtimeError(
            "uWSGI runs no Python threads, so no callback would run between requests: start it"
            " with --enable-threads",
            Status.IO,
        )
