"""The link of the synchronous client: its states, a restart, credentials."""

from __future__ import annotations

from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, State
from log import Log


def test_states_are_reported_in_order_with_reasons(
    own_server: Any, options: dict[str, Any]
) -> None:
    changes: list[dr.StateChange] = []
    with Client(own_server.url, **options) as client:
        client.on_state(changes.append)
        assert (client.state, client.is_connected) == (State.IDLE, False)
        client.wait(timeout=30)
        assert client.state == "connected"
        assert client.is_connected
        own_server.kill()
        until(lambda: any(change.state == State.BACKOFF for change in changes))
        own_server.start()
        client.wait(timeout=60)
        client.disconnect()
        until(lambda: client.state is State.IDLE)
        client.reconnect()
        client.wait(timeout=30)
        lost = next(change for change in changes if change.state == State.BACKOFF)
        assert lost.reason < 0
        assert isinstance(lost.error, dr.DirectusRealtimeError)
        assert str(lost.error) == lost.message
    words = [str(change.state) for change in changes]
    assert words[:3] == ["connecting", "authenticating", "connected"]
    assert words[-1] == "closed"
    assert client.state is State.CLOSED


def test_a_restart_of_the_server_is_followed_by_a_resync(
    own_server: Any, options: dict[str, Any]
) -> None:
    log = Log()
    with Client(own_server.url, **options) as client:
        client.subscribe("posts", log).wait(30)
        first = own_server.rest.create("posts", {"title": "before"})
        until(lambda: len(log) == 2)
        own_server.kill()
        own_server.start()
        own_server.rest.create("posts", {"title": "after"})
        until(lambda: any(e.resync for e in log) and known(log) == own_rows(own_server))
        assert first["id"] in known(log)
        assert client.stats.reconnects >= 1
        assert client.stats.resyncs >= 1


def test_a_fresh_snapshot_comes_when_it_is_asked_for(server: Any, options: dict[str, Any]) -> None:
    log = Log()
    with Client(server.url, **options) as client:
        posts = client.subscribe("posts", log, query={"limit": 1})
        # The server's answer may still wait for the callback, and would be dropped.
        until(lambda: len(log) == 1)
        posts.resync()
        until(lambda: len(log) == 2)
        assert [(event.type, event.resync) for event in log] == [("init", False), ("init", True)]
        posts.unsubscribe()
        with pytest.raises(dr.ClosedError, match="has ended"):
            posts.resync()


def own_rows(server: Any) -> dict[int, str]:
    return {item["id"]: item["title"] for item in server.rest.read("posts")}


def known(log: Log) -> dict[int, str]:
    """The rows of a program that applies the events."""
    rows: dict[int, str] = {}
    for event in list(log):
        if event.type == "init":
            rows = {item["id"]: item["title"] for item in event.data}
        elif event.type == "delete":
            rows.pop(event.data["id"], None)
        else:
            rows[event.data["id"]] = event.data["title"]
    return rows


def test_refused_credentials_are_raised_and_a_fresh_token_connects(server: Any) -> None:
    with Client(server.url, access_token="wrong") as client:
        with pytest.raises(dr.AuthenticationError):
            client.wait(timeout=30)
        assert client.state is State.FAILED
        client.set_token(server.rest.token)
        client.wait(timeout=30)


def test_on_token_is_called_at_first_and_after_a_refusal(server: Any) -> None:
    asked: list[Any] = []

    def fresh(error: Any) -> str:
        asked.append(error)
        return server.rest.token if error else "wrong"

    with Client(server.url) as client:
        client.on_token(fresh)
        client.connect()
        until(lambda: client.is_connected)
        # A handshake that takes too long is tried again, which asks again without a refusal.
        *before, refusal = asked
        assert before
        assert not any(before)
        assert isinstance(refusal, dr.AuthenticationError)
        client.on_token(None)
