"""The parts that both clients have.

- `incoming` receives events and notices from the library; `pump` hands them to callbacks.
- `subscriptions` are the client's subscriptions and scopes.
- `link` connects, and knows why the client is not connected.
- `states` reports changes of state, `tokens` asks for access tokens.
- `runner` calls callbacks; `running` is the one that runs, `slot` the thread that delivers.
- `closing` ends all of this, and `lifecycle` says whether it has.

The synchronous client adds `Delivery`, the asyncio client its event loop, flow control
and waits.

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
from ._closing import Closing
from ._delivery_slot import DeliverySlot
from ._errors import check
from ._event_pump import EventPump
from ._incoming import Incoming
from ._lifecycle import Lifecycle
from ._link import Link
from ._running import Running
from ._state_reports import StateReports
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
        self.lifecycle: Lifecycle = lifecycle
        self.runner: CallbackRunner = runner
        self.incoming: Incoming = Incoming(handle, lifecycle)
        self.link: Link = Link(handle)
        self.running: Running = Running(lifecycle)
        self.slot: DeliverySlot = DeliverySlot(threaded=threaded)
        self.subscriptions: Subscriptions = Subscriptions(
            handle, lifecycle, self.incoming, self.link, self.running
        )
        self.states: StateReports = StateReports(callbacks, self.link, runner)
        self.tokens: TokenRequests = TokenRequests(
            callbacks, lifecycle, self.incoming, self.link, runner
        )
        self.pump: EventPump = EventPump(
            self.incoming, self.subscriptions, self.states, self.tokens, runner, self.running
        )
        self.closing: Closing = Closing(
            handle,
            lifecycle,
            callbacks,
            self.incoming,
            self.subscriptions,
            self.pump,
            self.running,
            self.slot,
        )
