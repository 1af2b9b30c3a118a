"""What the server refuses, and how a program hears of it."""

import time

from behaviour import SECONDS, Followed, behaviour, expect, fails
from directus_realtime import ServerError
from notes import SERVER_ITSELF
from raw import Raw
from rest import ADMIN, RestError
from snapshots import of

GROUP = "Refusals"
REFUSED = ("FORBIDDEN", "INVALID_COLLECTION")


@behaviour(GROUP, "a collection that may not be read, among others: it alone ends")
def forbidden(world):
    client = world.client("reader-token")
    good = [Followed(client, "posts", query=of(f"good{n}")) for n in range(4)]
    bad = Followed(client, "secrets")
    more = Followed(client, "things", event="update")
    error = fails(ServerError, bad.subscription.wait, SECONDS)
    assert error.code in REFUSED, error
    for each in [*good, more]:
        each.subscription.wait(SECONDS)
    assert bad.until_event("error").ended
    expect(len(bad.events), 1)


@behaviour(GROUP, "no such collection")
def no_collection(world):
    client = world.client(ack_timeout=3)
    refused = client.subscribe("no_such_collection", lambda _: None)
    began = time.monotonic()
    error = fails(ServerError, refused.wait, SECONDS)
    assert error.code in REFUSED, error
    return "unanswered" if time.monotonic() - began >= 3 else None


@behaviour(GROUP, "a filter on a field that does not exist")
def bad_filter(world):
    query = {"filter": {"nope": {"_eq": 1}}}
    refused = world.client().subscribe("posts", lambda _: None, query=query)
    error = fails(ServerError, refused.wait, SECONDS)
    assert error.code in ("FORBIDDEN", "INVALID_QUERY"), error


@behaviour(GROUP, "an operator that does not exist")
def bad_operator(world):
    query = {"filter": {"title": {"_nope": 1}}}
    posts = world.client().subscribe("posts", lambda _: None, query=query)
    try:
        posts.wait(SECONDS)
    except ServerError as error:
        assert error.code in ("FORBIDDEN", "INVALID_QUERY"), error
        return None
    return "operator"


@behaviour(GROUP, "a limit that is no number")
def bad_limit(world):
    posts = world.client().subscribe("posts", lambda _: None, query={"limit": "abc"})
    try:
        posts.wait(SECONDS)
    except ServerError as error:
        expect(error.code, "INVALID_QUERY")
        return None
    return "limit"


@behaviour(GROUP, "an event that is withheld: reported, and the subscription stays")
def withheld(world):
    client = world.client("reader-token")
    secrets = world.follow("secrets", client, event="create")
    posts = world.follow("posts", client, query=of("withheld"))
    world.rest.create("secrets", {"hidden": "h"})
    error = secrets.until_event("error")
    expect((error.ended, error.data["code"]), (False, "FORBIDDEN"))
    world.rest.create("posts", {"status": "withheld"})
    posts.until_event("create")
    for each in (secrets, posts):
        each.subscription.wait(SECONDS)
    heard = [e for e in posts.events if e.type == "error"]
    assert not any(e.ended for e in heard), heard
    return "to all" if heard else None


@behaviour(GROUP, "a permission that is revoked and given again")
def revoked(world):
    posts = world.follow("things", world.client("reader-token"))
    query = "limit=-1&filter[collection][_eq]=things"
    (permission,) = world.rest.request("GET", f"/permissions?{query}")
    world.rest.request("DELETE", f"/permissions/{permission.pop('id')}")
    try:
        world.rest.create("things", {"title": "hidden"})
        posts.until_event("error", lambda e: not e.ended)
    finally:
        permission.pop("system", None)
        world.rest.request("POST", "/permissions", permission)
    thing = world.rest.create("things", {"title": "seen"})
    posts.until_event("create", lambda e: e.data["id"] == thing["id"])
    assert "hidden" not in [e.data.get("title") for e in posts.events if e.is_change]


@behaviour(GROUP, "rules on rows and fields apply to snapshots and events")
def rules(world):
    try:
        posts = world.follow("posts", world.client("limited-token"), query={"limit": -1})
    except Exception:
        if world.server.version.startswith("12."):
            return "licence"
        raise
    world.rest.create("posts", {"title": "hidden", "status": "draft"})
    world.rest.create("posts", {"title": "shown", "status": "published", "n": 5})
    create = posts.until_event("create")
    expect(sorted(create.data), ["id", "status", "title"])
    expect(create.data["title"], "shown")
    return None


def refused_subscribe(world):
    with Raw(world.server.url) as raw:
        raw.authenticate("reader-token")
        raw.send({"type": "subscribe", "collection": "secrets", "uid": "mine"})
        answer = raw.next(SECONDS)
    assert answer and answer["status"] == "error", answer
    return answer


@behaviour(SERVER_ITSELF, "the error of a refused subscribe names the subscription")
def names_subscription(world):
    return None if refused_subscribe(world).get("uid") == "mine" else "uid"


@behaviour(SERVER_ITSELF, "the error of a refused request names the request")
def names_request(world):
    with Raw(world.server.url) as raw:
        raw.authenticate("reader-token")
        read = {"type": "items", "action": "read", "collection": "secrets", "uid": "mine"}
        raw.send(read)
        answer = raw.next(SECONDS)
    assert answer and answer["status"] == "error", answer
    return None if answer.get("uid") == "mine" else "request uid"


@behaviour(SERVER_ITSELF, "a failed handshake is answered before the link is closed")
def handshake_error(world):
    with Raw(world.server.url) as raw:
        raw.send({"type": "auth", "access_token": "wrong"})
        answer = raw.next(SECONDS)
    assert answer, "closed without an answer"
    expect(answer["error"]["code"], "AUTH_FAILED")


@behaviour(SERVER_ITSELF, "frames that are sent right behind `auth` are answered")
def pipelined(world):
    with Raw(world.server.url) as raw:
        raw.send({"type": "auth", "access_token": ADMIN}, {"type": "ping", "uid": "behind"})
        raw.until(lambda m: m.get("type") == "auth", SECONDS)
        return None if raw.until(lambda m: m.get("type") == "pong", 2) else "pipelined"


@behaviour(SERVER_ITSELF, "malformed JSON is answered, and the link stays")
def malformed(world):
    with Raw(world.server.url) as raw:
        raw.authenticate(ADMIN)
        raw.send_text('{"type": ')
        answer = raw.next(3)
        raw.send({"type": "ping", "uid": "after"})
        pong = raw.until(lambda m: m.get("type") == "pong", SECONDS)
        assert pong, "the link has ended"
        return None if answer and answer.get("type") != "pong" else "malformed"


@behaviour(SERVER_ITSELF, "its `item`, with an integer key, reports a write by number")
def strict_item(world):
    key = world.rest.create("posts", {"status": "strict"})["id"]
    with Raw(world.server.url) as raw:
        raw.authenticate(ADMIN)
        raw.send({"type": "subscribe", "collection": "posts", "item": key, "uid": "i"})
        raw.until(lambda m: m.get("event") == "init", SECONDS)
        world.rest.request("PATCH", "/items/posts", {"keys": [key], "data": {"n": 1}})
        told = raw.until(lambda m: m.get("event") == "update", 2)
    return None if told else "strict item"


@behaviour(SERVER_ITSELF, "nothing is sent on a link whose token has expired", "short")
def expired(world):
    who = ("reader@example.com", "reader-password")
    with Raw(world.server.url) as raw:
        raw.authenticate(world.rest.login(*who)["access_token"])
        raw.send({"type": "subscribe", "collection": "posts", "uid": "p"})
        raw.until(lambda m: m.get("event") == "init", SECONDS)
        said = raw.until(lambda m: m.get("type") == "auth", SECONDS)
        expect(said and said["error"]["code"], "TOKEN_EXPIRED")
        world.rest.create("posts", {"title": "expired"})
        told = raw.until(lambda m: m.get("event") == "create", 2)
    return "expired" if told else None


@behaviour(SERVER_ITSELF, "a token in the URL is enough, without an `auth` message", "strict")
def token_in_url(world):
    with Raw(world.server.url, f"/websocket?access_token={ADMIN}") as raw:
        raw.send({"type": "ping", "uid": "at once"})
        answer = raw.next(3)
    return None if answer and answer.get("type") == "pong" else "strict auth"


@behaviour(SERVER_ITSELF, "permissions are what REST says they are, also for deletes")
def delete_leak(world):
    secret = world.rest.create("secrets", {"hidden": "h"})
    with Raw(world.server.url) as raw:
        raw.authenticate("reader-token")
        subscribe = {"type": "subscribe", "collection": "secrets", "event": "delete", "uid": "d"}
        raw.send(subscribe)
        answer = raw.next(SECONDS)
        if not answer or answer.get("event") != "init":
            return None
        try:
            world.rest.delete("secrets", secret["id"])
        except RestError as error:
            raise AssertionError(str(error)) from None
        told = raw.until(lambda m: m.get("event") == "delete", 2)
    return "delete leak" if told else None
