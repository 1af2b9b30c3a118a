"""The thread on which the synchronous client's callbacks run."""

from __future__ import annotations

import threading

from ._core import Core
from ._errors import ClosedError


def start(core: Core) -> None:
    """Begins to deliver. The thread knows the core only, never its client."""
    core.threaded = True
    core.thread = threading.Thread(
        target=_deliver, args=(core,), name="directus-realtime", daemon=True
    )
    core.thread.start()


def _deliver(core: Core) -> None:
    while True:
        try:
            # Without a limit: an idle client does not wake.
            core.listen(None)
            core.pump()
        except ClosedError:
            break
        except BaseException as error:
            # A fault in here: no reason to stop.
            core.report(error, _deliver)
    core.library_over.wait()
    core.finish()
