"""Logins, refused ones, and tokens that expire."""

import time

from behaviour import LIFE, SECONDS, behaviour, expect, fails
from directus_realtime import AuthenticationError, ServerError
from notes import SERVER_ITSELF
from raw import Raw, UpgradeError

READER = {"email": "reader@example.com", "password": "reader-password"}
GROUP = "Authentication"


@behaviour(GROUP, "a static token")
def static_token(world):
    world.client("reader-token").wait(timeout=SECONDS)


@behaviour(GROUP, "email and password")
def password(world):
    world.client(None, **READER).wait(timeout=SECONDS)


@behaviour(GROUP, "a refresh token, and its successor on the next link")
def refresh_token(world):
    client = world.client(None, refresh_token=world.rest.login(**READER)["refresh_token"])
    client.wait(timeout=SECONDS)
    client.reconnect()
    deadline = time.monotonic() + SECONDS
    while client.stats.connects < 2:
        assert time.monotonic() < deadline, client.state
        time.sleep(0.05)


@behaviour(GROUP, "a wrong token: `FAILED`, with the reason")
def wrong_token(world):
    error = fails(AuthenticationError, world.client("wrong").wait, timeout=SECONDS)
    assert "refused" in str(error) or "rejected" in str(error), error


@behaviour(GROUP, "a wrong password: `FAILED`, with the reason")
def wrong_password(world):
    client = world.client(None, email=READER["email"], password="wrong")
    fails(AuthenticationError, client.wait, timeout=SECONDS)


@behaviour(GROUP, "`public`: no credentials, the public role's permissions", "public")
def public(world):
    client = world.client(None, auth_mode="public")
    client.wait(timeout=SECONDS)
    refused = client.subscribe("secrets", lambda _: None)
    try:
        refused.wait(SECONDS)
    except ServerError as error:
        assert error.code in ("FORBIDDEN", "INVALID_COLLECTION"), error
        return None
    return "public"


@behaviour(GROUP, "`public`: with a token, its permissions", "public")
def public_with_token(world):
    world.follow("posts", world.client("reader-token", auth_mode="public"))


@behaviour(GROUP, "`strict`: the token in the URL", "strict")
def strict(world):
    world.client("reader-token", auth_mode="strict").wait(timeout=SECONDS)


@behaviour(GROUP, "`strict`: a wrong token, `FAILED`", "strict")
def strict_wrong(world):
    client = world.client("wrong", auth_mode="strict")
    fails(AuthenticationError, client.wait, timeout=SECONDS)


@behaviour(GROUP, "a token that the program renews: no gap", "short")
def renewed(world):
    client = world.client(None)
    asked = []

    def log_in(reason):
        asked.append(reason)
        return world.rest.login(**READER)["access_token"]

    client.on_token(log_in)
    posts = world.follow("posts", client, query={"limit": 1})
    time.sleep(2 * LIFE)
    expect((client.stats.connects, [e.type for e in posts.events]), (1, ["init"]))
    assert len(asked) >= 2 and not any(asked), asked
    post = world.rest.create("posts", {"title": "renewed"})
    posts.until_event("create", lambda e: e.data["id"] == post["id"])


@behaviour(GROUP, "a login that expires: a RESYNC, and renewed ahead from then on", "short")
def login_expires(world):
    client = world.client(None, **READER)
    posts = world.follow("posts", client, query={"limit": 1})
    posts.until_event("init", lambda e: e.resync)
    time.sleep(1.5 * LIFE)
    expect(client.stats.connects, 2)
    post = world.rest.create("posts", {"title": "later"})
    posts.until_event("create", lambda e: e.data["id"] == post["id"])


@behaviour(GROUP, "a JWT that nothing renews: `FAILED`, with the reason", "short")
def jwt_expires(world):
    client = world.client(world.rest.login(**READER)["access_token"])
    client.wait(timeout=SECONDS)
    client.wait("failed", timeout=SECONDS)
    error = fails(AuthenticationError, client.wait, timeout=SECONDS)
    assert "expired" in str(error), error


@behaviour(SERVER_ITSELF, "a page of another origin is refused (`Origin`)")
def origin(world):
    try:
        Raw(world.server.url, headers=["Origin: http://elsewhere.example"]).close()
    except UpgradeError as error:
        expect(error.status, 403)
        return None
    return "origin"
