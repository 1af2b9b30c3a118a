"""Subscriptions with `event` or `changes_only`, whose `init` has no data or is left out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, Event, aio
from log import Log
from loops import until as until_on_loop


def test_with_event_an_init_without_data_comes_first_and_after_a_gap(
    server: Any, options: dict[str, Any]
) -> None:
    everything, changes, asked = Log(), Log(), Log()

    def ask(event: Event) -> None:
        if event.is_change:
            asked.append(event)

    with Client(server.url, **options) as client:
        client.subscribe("codes", everything, event="create").wait(30)
        client.subscribe("codes", changes, event="create", changes_only=True).wait(30)
        client.subscribe("codes", lambda e: e.is_change and asked.append(e), event="create").wait(
            30
        )
        server.rest.create("codes", {"code": "changes-1"})
        until(lambda: len(changes) == len(asked) == 1 and len(everything) == 2)
        client.reconnect()
        until(lambda: everything.types() == ["init", "create", "init"])
        for subscription in client.get_active_subscriptions():
            subscription.wait(30)
        server.rest.create("codes", {"code": "changes-2"})
        until(lambda: len(everything) == 4)
        server.rest.delete("codes", "changes-1")
        server.rest.delete("codes", "changes-2")
        until(lambda: len(changes) == len(asked) == 2)
    assert [event.data for event in everything if not event.is_change] == [None, None]
    for log in (changes, asked):
        assert [event.data["code"] for event in log] == ["changes-1", "changes-2"]


def test_with_changes_only_a_refusal_is_logged(
    server: Any, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    with Client(server.url, **options) as client:
        refused = client.subscribe("no_such_collection", log, changes_only=True)
        with pytest.raises(dr.ServerError):
            refused.wait(30)
        until(lambda: any("FORBIDDEN" in each.getMessage() for each in caplog.records))
    assert log == []
    assert {each.levelno for each in caplog.records} == {logging.ERROR}


def test_with_changes_only_an_asyncio_subscription_gets_no_init(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        plain, awaited = Log(), Log()

        async def slowly(event: Event) -> None:
            await asyncio.sleep(0)
            awaited(event)

        async with aio.Client(server.url, **options) as client:
            callbacks: list[Callable[[Event], Any]] = [plain, slowly]
            for callback in callbacks:
                made = await client.subscribe("codes", callback, changes_only=True)
                await made.wait(30)
            events = await client.subscribe("codes", event="create", changes_only=True)
            await events.wait(30)
            await client.items("codes").create({"code": "changes-3"})
            event = await events.__anext__()
            assert (event.type, event.data["code"]) == ("create", "changes-3")
            await until_on_loop(lambda: len(plain) == len(awaited) == 1)
            await client.items("codes").delete("changes-3")
            await until_on_loop(lambda: plain.types() == awaited.types() == ["create", "delete"])
            refused = await client.subscribe("no_such_collection", changes_only=True)
            with pytest.raises(dr.ServerError, match="FORBIDDEN"):
                await refused.__anext__()

    run(scenario)


def test_a_callback_with_changes_only_is_reported_by_its_own_name(
    server: Any, options: dict[str, Any]
) -> None:
    with Client(server.url, **options) as client:
        subscription = client.subscribe("codes", print, changes_only=True)
        (consume,) = client._callbacks.by_subscription.values()
        assert repr(consume) == repr(print)
        subscription.unsubscribe()
