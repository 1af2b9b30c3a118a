"""Requests over the link."""

import time

from behaviour import SECONDS, behaviour, expect, fails
from directus_realtime import ServerError
from snapshots import of

GROUP = "Requests"


def connected(world, token="admin-static-token"):
    client = world.client(token)
    client.wait(timeout=SECONDS)
    return client


@behaviour(GROUP, "`ping`, with the program's own uid in the reply")
def ping(world):
    client = connected(world)
    expect(client.request({"type": "ping", "uid": "mine"}), {"type": "pong", "uid": "mine"})


@behaviour(GROUP, "items: create, read, update, delete")
def items(world):
    posts = connected(world).items("posts")
    made = posts.create({"title": "one", "status": "items"})
    expect(posts.read(made["id"])["title"], "one")
    expect(posts.update(made["id"], {"title": "two"})["title"], "two")
    expect([row["title"] for row in posts.read(of("items"))], ["two"])
    posts.delete(made["id"])
    expect(posts.read(of("items")), [])


@behaviour(GROUP, "items: several at once")
def several(world):
    posts = connected(world).items("posts")
    made = posts.create([{"title": "a", "status": "several"}, {"status": "several"}])
    keys = [row["id"] for row in made]
    expect([row["n"] for row in posts.update(keys, {"n": 3})], [3, 3])
    posts.delete(keys)
    expect(posts.read(of("several")), [])


@behaviour(GROUP, "items: own writes are events as well")
def own_writes(world):
    client = connected(world)
    posts = world.follow("posts", client, query=of("own writes"))
    made = client.items("posts").create({"status": "own writes"})
    posts.until_event("create", lambda e: e.data["id"] == made["id"])


@behaviour(GROUP, "items: a singleton")
def singleton(world):
    one = connected(world).items("settings_one")
    expect(one.update_singleton({"title": "set"})["title"], "set")
    expect(one.read()["title"], "set")


@behaviour(GROUP, "a refused request: the server's own error")
def refused(world):
    client = connected(world, "reader-token")
    error = fails(ServerError, client.items("secrets").read, timeout=SECONDS)
    assert error.code in ("FORBIDDEN", "INVALID_COLLECTION"), error
    error = fails(ServerError, client.items("posts").create, {"title": "x"}, timeout=SECONDS)
    expect(error.code, "FORBIDDEN")
    client.items("posts").read({"limit": 1})


@behaviour(GROUP, "a key that exists already: `RECORD_NOT_UNIQUE`")
def not_unique(world):
    codes = connected(world).items("codes")
    codes.create({"code": "unique"})
    error = fails(ServerError, codes.create, {"code": "unique"}, timeout=SECONDS)
    expect(error.code, "RECORD_NOT_UNIQUE")


@behaviour(GROUP, "an action that does not exist is refused")
def no_action(world):
    message = {"type": "items", "action": "nope", "collection": "posts"}
    error = fails(ServerError, connected(world).request, message, timeout=SECONDS)
    expect(error.code, "INVALID_PAYLOAD")


@behaviour(GROUP, "5 MB in one message, both ways")
def large(world):
    client = connected(world)
    posts = world.follow("posts", client, query=of("large"))
    made = client.items("posts").create({"content": "x" * 5_000_000, "status": "large"})
    create = posts.until_event("create")
    expect(len(create.data["content"]), 5_000_000)
    world.rest.delete("posts", made["id"])


LINK = "The link"


@behaviour(LINK, "a uid that is in use gives the subscription that has it")
def duplicate(world):
    client = world.client()
    first = world.follow("posts", client, uid="twice", query=of("twice"))
    second = client.subscribe("posts", first.events.append, uid="twice")
    expect(second, first.subscription)


@behaviour(LINK, "an unsubscribe ends it at the server")
def unsubscribe(world):
    client = connected(world)
    posts = world.follow("posts", client, query=of("ends"))
    posts.subscription.unsubscribe()
    # The server answers in order: a ping's reply comes last.
    client.request({"type": "ping"})
    time.sleep(1)
    before = client.stats.frames_in
    world.rest.create("posts", {"status": "ends"})
    time.sleep(1)
    expect(client.stats.frames_in, before)


@behaviour(LINK, "what is written while there is no link comes in one RESYNC")
def gap(world):
    client = world.client()
    posts = world.follow("posts", client, query=of("gap"))
    client.disconnect()
    row = world.rest.create("posts", {"status": "gap"})
    client.connect()
    resync = posts.until_event("init", lambda e: e.resync)
    expect(resync.data, [row])
    expect([e.type for e in posts.events], ["init", "init"])


@behaviour(LINK, "every subscription survives a restart of the server")
def restart(world):
    client = world.client(reconnect_max=1)
    all_of_them = [world.follow("posts", client, query=of(f"restart{n}")) for n in range(10)]
    world.server.kill()
    world.server.start()
    for n, posts in enumerate(all_of_them):
        posts.until_event("init", lambda e: e.resync)
        world.rest.create("posts", {"status": f"restart{n}"})
    for posts in all_of_them:
        posts.until_event("create")
        expect([e.type for e in posts.events], ["init", "init", "create"])


@behaviour(LINK, "the server's heartbeat is answered", "short")
def servers_heartbeat(world):
    client = connected(world)
    time.sleep(7)
    expect((client.stats.connects, client.is_connected), (1, True))


@behaviour(LINK, "the client's heartbeat is answered")
def heartbeat(world):
    client = world.client(heartbeat=0.5)
    client.wait(timeout=SECONDS)
    time.sleep(3)
    assert client.stats.last_rtt > 0, client.stats
    expect(client.stats.connects, 1)


@behaviour(LINK, "below a rate limit every subscription becomes active", "limited")
def rate_limit(world):
    client = connected(world)
    subscriptions = [
        client.subscribe("posts", lambda _: None, snapshot="server", query={"limit": 1})
        for _ in range(10)
    ]
    for each in subscriptions:
        each.wait(60)
    expect(client.stats.connects, 1)


@behaviour(LINK, "a message beyond `max_message_bytes`: the reason, and a RESYNC")
def too_large(world):
    client = world.client(max_message_bytes=100_000, reconnect_max=1)
    states = []
    client.on_state(states.append)
    posts = world.follow("posts", client, event="create")
    world.rest.create("posts", {"content": "x" * 300_000, "status": "too large"})
    posts.until_event("init", lambda e: e.resync)
    assert any("max_message_bytes" in change.message for change in states), states
