"""Counters of a client."""

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
        reconnects: Those after the first.
        frames_in: Frames received.
        bytes_in: Bytes in them.
        frames_out: Frames sent.
        bytes_out: Bytes in them.
        events: Events delivered.
        resyncs: `init` events that followed a gap.
        overflows: Times that a subscription lost what waited, for want of room.
        queued_events: Server messages that wait now.
        queued_bytes: Their bytes.
        subscriptions: Subscriptions now.
        active_subscriptions: Those that the server has confirmed.
        last_rtt: The last heartbeat's round trip in seconds; 0 when there was none.
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
    """The counters of a client of the library's."""
    raw = _abi.Stats(struct_size=ctypes.sizeof(_abi.Stats))
    check(_abi.lib.drt_client_stats(handle, ctypes.byref(raw)))
    names = [field[0] for field in _abi.Stats._fields_[1:-1]]
    counters: dict[str, int] = {name: getattr(raw, name) for name in names}
    return Stats(**counters, last_rtt=raw.last_rtt_us / 1e6)
