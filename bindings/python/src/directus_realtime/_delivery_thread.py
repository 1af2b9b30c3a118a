"""The thread on which the synchronous client's callbacks run."""

from __future__ import annotations

import threading

from ._core import Core
from ._errors import ClosedError


def start(core: Core) -> threading.Thread:
    """Begins to deliver. The thread refers to the core, never to its client."""
    thread = threading.Thread(target=_deliver, args=(core,), name="directus-realtime", daemon=True)
    thread.start()
    return thread


def _deliver(core: Core) -> None:
    while True:
        try:
            # Without a limit, so that an idle client does not wake.
            core.incoming.wait(None)
            core.pump.deliver()
        except ClosedError:
            break
        except BaseException as error:
            # A bug of this package. It is reported, and delivery continues.
            core.runner.report(error, _deliver)
    core.closing.library_closed.wait()
    core.closing.finish()
