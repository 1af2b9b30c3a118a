"""The counters of a client."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from . import _abi
from ._errors import check


@dataclass(frozen=True)
class Stats:
    """Counters since the client was made.

    Attributes:
        connects: Links that became usable.
        reconnects: Links that became usable after the first one.
        frames_in: Frames received.
        bytes_in: Bytes received.
        frames_out: Frames sent.
        bytes_out: Bytes sent.
        events: Events delivered.
        resyncs: `init` events that followed a gap.
        overflows: How often a subscription lost its queued events, as `queue_bytes` was used up.
        queued_events: Server messages that wait for callbacks now.
        queued_bytes: Bytes of these messages.
        subscriptions: Subscriptions now.
        active_subscriptions: Those that the server has confirmed.
        last_rtt: The round-trip time of the last heartbeat in seconds; 0 before the first.
    """

    connects: int
    reconnects: int
    frames_in: int
    bytes_in: int
    frames_out: int
    bytes_out: int
    events: int
    resyncs: int
    overflows: int
    queued_events: int
    queued_bytes: int
    subscriptions: int
    active_subscriptions: int
    last_rtt: float


def read(handle: int) -> Stats:
    """Reads the counters of a client."""
    raw = _abi.Stats(struct_size=ctypes.sizeof(_abi.Stats))
    check(_abi.lib.drt_client_stats(handle, ctypes.byref(raw)))
    names = [field[0] for field in _abi.Stats._fields_[1:-1]]
    counters: dict[str, int] = {name: getattr(raw, name) for name in names}
    return Stats(**counters, last_rtt=raw.last_rtt_us / 1e6)
