#!/usr/bin/env bash
# asyncio (CPython 3.11.7) and uvloop 0.22.1: a reader for a descriptor whose number was used before is accepted
# and never called.
#
# One would guess   that `loop.add_reader(fd, …)` for a new, open, readable descriptor either works or raises.
# What happens      If an earlier descriptor with the same number was closed while it still had a reader, the call
#                   for the new one returns as usual and nothing ever comes, although data is waiting.
#                   `remove_reader` and `add_reader` again, on the same open descriptor, repair it. On the way uvloop's
#                   `remove_reader` returns None where asyncio's returns True.
# Why               Closing a descriptor removes it from epoll without the loop knowing. asyncio's selector finds the
#                   number in its own table with the same event mask, replaces the callback only, and does not call
#                   epoll again (`_PollLikeSelector.modify` in selectors.py). uvloop keeps a poll handle a number.
# Who is affected   Whoever gives an event loop a descriptor that a C library owns: close the client, make another one,
#                   and the kernel most likely hands out the same number. Call `remove_reader` *before* the close.
# Seen              28 November 2026, CPython 3.11.7 (selectors.py of 3.13 reads the same):
#                     asyncio: first descriptor called, second never, after remove and add called
#                     uvloop 0.22.1: first descriptor called, second never, after remove and add called
#                   The interpreter is the one at hand; uvloop is pinned.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: uvloop==0.22.1

cat > probe.py <<'PY'
import asyncio
import platform
import socket
import sys

import uvloop

RECORDED = ("called", "never", "called")


async def watch(number):
    """Whether a reader of the descriptor is called within a second."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(number, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), 1)
        return "called"
    except asyncio.TimeoutError:
        return "never"


async def probe():
    loop = asyncio.get_running_loop()

    first, peer = socket.socketpair()
    number = first.fileno()
    peer.send(b"x")
    before = await watch(number)
    first.close()

    second, other_peer = socket.socketpair()
    assert second.fileno() == number, "the kernel gave another number"
    other_peer.send(b"x")
    reused = await watch(number)
    removed = loop.remove_reader(number)
    again = await watch(number)
    loop.remove_reader(number)
    for each in (peer, second, other_peer):
        each.close()
    return (before, reused, again), removed


def main():
    print(f"Python {platform.python_version()}, uvloop {uvloop.__version__}")
    changed = False
    for name, make in (("asyncio", asyncio.SelectorEventLoop), ("uvloop", uvloop.new_event_loop)):
        loop = make()
        seen, removed = loop.run_until_complete(probe())
        loop.close()
        print(f"{name}: first descriptor {seen[0]}, second {seen[1]}, after remove ({removed}) and add {seen[2]}")
        if seen != RECORDED:
            print(f"CHANGED: {name} was {RECORDED}, is {seen}", file=sys.stderr)
            changed = True
    return changed


sys.exit(main())
PY
venv/bin/python probe.py
echo "as recorded: a reader of a reused descriptor number is never called"
