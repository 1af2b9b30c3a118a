"""The parts that both clients have.

- `incoming` receives rows from the library; `pump` hands them to callbacks and to calls
  that wait.
- `subscriptions` are the client's subscriptions and scopes.
- `link` connects; `states` reports its changes, and knows why the client is not connected.
- `tokens` asks for access tokens.
- `runner` calls callbacks; `running` is the one that runs, `slot` the thread that delivers.
- `lifecycle` says whether the client is closed.

Each client adds how it waits (`Delivery`, `LoopWaiting`), the `Calls` that wait so, and its
`Closing`.

No part refers to the `Client` object, and only weakly to the application's callbacks. So
a client that the application has dropped is garbage, and is closed.
"""

from __future__ import annotations

import ctypes
import weakref

from . import _abi
from ._abi import lib
from ._callback_runner import CallbackRunner
from ._callbacks import Callbacks
from ._errors import check
from ._incoming import Incoming
from ._link import Link, States
from ._pump import Pump
from ._running import DeliverySlot, Lifecycle, Running
from ._subscriptions import Subscriptions
from ._surroundings import check_threads
from ._token_requests import TokenRequests


class Core:
    """The parts of one client, each of which knows those that it is given here."""

    def __init__(
        self,
        options: _abi.ClientOptions,
        callbacks: weakref.ref[Callbacks],
        lifecycle: Lifecycle,
        runner: CallbackRunner,
        *,
        threaded: bool,
    ) -> None:
        check_threads()
        out = ctypes.c_void_p()
        check(lib.drt_client_new(ctypes.byref(options), ctypes.byref(out)))
        handle = out.value or 0
        self.handle: int = handle
        self.callbacks: weakref.ref[Callbacks] = callbacks
        self.lifecycle: Lifecycle = lifecycle
        self.runner: CallbackRunner = runner
        self.slot: DeliverySlot = DeliverySlot(threaded=threaded)
        self.incoming: Incoming = Incoming(handle, lifecycle)
        self.running: Running = Running(lifecycle)
        self.subscriptions: Subscriptions = Subscriptions(
            handle, lifecycle, self.incoming, self.running
        )
        self.link: Link = Link(handle)
        self.states: States = States(callbacks, self.link, runner)
        self.tokens: TokenRequests = TokenRequests(
            handle, callbacks, lifecycle, self.incoming, self.link, self.states, runner
        )
        self.pump: Pump = Pump(
            self.incoming, self.subscriptions, self.states, self.tokens, runner, self.running
        )
