"""The thread on which the synchronous client's callbacks run."""

from __future__ import annotations

import threading

from ._core import Core
from ._errors import ClosedError


def start(core: Core) -> None:
    """Begins to deliver. The thread knows the core only, never its client."""
    thread = threading.Thread(target=_deliver, args=(core,), name="directus-realtime", daemon=True)
    core.thread = thread
    thread.start()


def _deliver(core: Core) -> None:
    while not core.closed:
        try:
            # Without a limit: an idle client does not wake.
            core.pump(-1)
        except ClosedError:
            return
        except BaseException as error:
            # A callback has raised SystemExit or the like: no reason to stop here.
            core.report(error)
