"""Event loops for tests, and waiting on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

TIMEOUT = 60

Scenario = Callable[[], Awaitable[Any]]


def run_on_asyncio(scenario: Scenario) -> Any:
    """Runs a coroutine function on asyncio's own loop."""
    return asyncio.run(asyncio.wait_for(scenario(), TIMEOUT))


def run_on_uvloop(scenario: Scenario) -> Any:
    """Runs a coroutine function on uvloop's loop."""
    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(scenario(), TIMEOUT))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def until(condition: Callable[[], Any]) -> None:
    """Waits for a condition."""

    async def poll() -> None:
        while not condition():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(poll(), TIMEOUT)
