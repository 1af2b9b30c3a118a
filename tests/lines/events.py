"""Changes, and that a copy that is kept of them is right."""

import json
import time
import urllib.request
import uuid

from behaviour import behaviour, expect
from rest import ADMIN, DIRECT
from snapshots import of

GROUP = "Events"


def changes(followed):
    return [e.type for e in followed.events if e.is_change]


def upload(world, path, name, content, kind, fields=()):
    """Posts a file as a form, and returns the response's `data`."""
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = "".join(parts) + f"{head}Content-Type: {kind}\r\n\r\n{content}\r\n--{mark}--\r\n"
    request = urllib.request.Request(world.server.url + path, body.encode(), method="POST")
    request.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
    request.add_header("Authorization", f"Bearer {ADMIN}")
    with DIRECT.open(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text)["data"] if text else None


@behaviour(GROUP, "create, update, delete, in order")
def in_order(world):
    posts = world.follow("posts", query=of("order"))
    post = world.rest.create("posts", {"title": "a", "status": "order"})
    world.rest.update("posts", post["id"], {"title": "b"})
    world.rest.delete("posts", post["id"])
    posts.until_event("delete", lambda e: e.data["id"] == post["id"])
    expect(changes(posts), ["create", "update", "delete"])
    expect([e.sequence for e in posts.events], list(range(1, len(posts.events) + 1)))


def batch(world, status):
    rows = [{"title": f"{n}", "status": status} for n in range(3)]
    keys = [row["id"] for row in world.rest.create("posts", rows)]
    world.rest.request("PATCH", "/items/posts", {"keys": keys, "data": {"n": 7}})
    world.rest.request("DELETE", "/items/posts", keys)
    return keys


@behaviour(GROUP, "batches, an event for each item")
def batches(world):
    posts = world.follow("posts", query=of("batch"))
    keys = batch(world, "batch")
    posts.until_event("delete", lambda e: e.data["id"] == keys[-1])
    expect(changes(posts), ["create"] * 3 + ["update"] * 3 + ["delete"] * 3)
    assert all(e.data["n"] == 7 for e in posts.events if e.type == "update")


@behaviour(GROUP, "batches, an event for each message")
def whole_batches(world):
    posts = world.follow("posts", query=of("whole"), granularity="message")
    keys = batch(world, "whole")
    delete = posts.until_event("delete")
    expect(delete.data, keys)
    expect(changes(posts), ["create"] * 3 + ["update", "delete"])


@behaviour(GROUP, "an update with an array of objects: the copy is right")
def array_update(world):
    rows = [{"title": f"{n}", "status": "array"} for n in range(5)]
    keys = [row["id"] for row in world.rest.create("posts", rows)]
    posts = world.follow("posts", query=of("array"))
    body = [{"id": key, "n": 100 + key} for key in keys]
    world.rest.request("PATCH", "/items/posts", body)
    posts.until_copy(lambda: world.rest.read("posts", "limit=-1&filter[status][_eq]=array"))


@behaviour(GROUP, "a delete right after an update, with relations: the copy is right")
def delete_after_update(world):
    author = world.rest.create("authors", {"name": "Late"})
    row = {"status": "late", "author": author["id"]}
    keys = [row["id"] for row in world.rest.create("posts", [row] * 8)]
    # The deeper the query, the later its update.
    posts = world.follow("posts", query=of("late", fields=["*.*.*"]))
    for key in keys:
        world.rest.update("posts", key, {"title": "last"})
        world.rest.delete("posts", key)
    marker = world.rest.create("posts", {"status": "late"})
    posts.until_event("create", lambda e: e.data["id"] == marker["id"])
    posts.until_copy(lambda: world.rest.read("posts", "limit=-1&filter[status][_eq]=late"))


@behaviour(GROUP, "an import: the copy is right")
def imported(world):
    things = world.follow("codes", primary_key="code", query={"limit": -1})
    text = "code,label\n" + "".join(f"import-{n},{n}\n" for n in range(20))
    upload(world, "/utils/import/codes", "codes.csv", text, "text/csv")
    things.until_copy(lambda: world.rest.read("codes"), key="code")


def item_events(world, collection, key, update, others):
    """Writes to an item in several ways, and to another, and returns the kinds of its events."""
    item = world.follow(collection, item=key, primary_key=others["key"])
    item.clear()
    world.rest.update(collection, others["other"], update)
    world.rest.update(collection, key, update)
    world.rest.request("PATCH", f"/items/{collection}", {"keys": [key], "data": update})
    world.rest.request("DELETE", f"/items/{collection}", [key])
    delete = item.until_event("delete")
    expect(delete.data[others["key"]], key)
    return changes(item)


@behaviour(GROUP, "one item with an integer key: writes by URL and by number")
def integer_item(world):
    one, other = (world.rest.create("posts", {"status": "item"})["id"] for _ in range(2))
    kinds = item_events(world, "posts", one, {"title": "x"}, {"key": "id", "other": other})
    expect(kinds, ["update", "update", "delete"])


@behaviour(GROUP, "one item with a uuid as key")
def uuid_item(world):
    one, other = (world.rest.create("things", {"title": "t"})["id"] for _ in range(2))
    kinds = item_events(world, "things", one, {"title": "x"}, {"key": "id", "other": other})
    expect(kinds, ["update", "update", "delete"])


@behaviour(GROUP, "one item with a text as key")
def text_item(world):
    for key in ("key one", "key-2"):
        world.rest.create("codes", {"code": key, "label": "l"})
    names = {"key": "code", "other": "key-2"}
    kinds = item_events(world, "codes", "key one", {"label": "x"}, names)
    expect(kinds, ["update", "update", "delete"])


@behaviour(GROUP, "an item that does not exist yet: INIT with `null`, then its create")
def future_item(world):
    item = world.follow("codes", item="future", primary_key="code")
    expect(item.until_event("init").data, None)
    world.rest.create("codes", {"code": "future"})
    expect(item.until_event("create").data["code"], "future")


@behaviour(GROUP, "only some kinds of events")
def kinds(world):
    things = world.follow("things", event=["create", "delete"])
    expect(things.until_event("init").data, None)
    thing = world.rest.create("things", {"title": "k"})
    world.rest.update("things", thing["id"], {"title": "l"})
    world.rest.delete("things", thing["id"])
    things.until_event("delete", lambda e: e.data["id"] == thing["id"])
    expect(changes(things), ["create", "delete"])


@behaviour(GROUP, "a delete by URL has the row's key, however the URL spells it")
def spelled(world):
    posts = world.follow("posts", query=of("spelled"))
    for spelling in ("00{}", "%2B{}", "{}.0"):
        key = world.rest.create("posts", {"status": "spelled"})["id"]
        posts.until_event("create", lambda e, key=key: e.data["id"] == key)
        world.rest.request("DELETE", "/items/posts/" + spelling.format(key))
        posts.until_event("delete", lambda e, key=key: e.data["id"] == key)


@behaviour(GROUP, "a row that leaves the filter: no event")
def leaves(world):
    post = world.rest.create("posts", {"status": "leaves"})
    posts = world.follow("posts", query=of("leaves"))
    world.rest.update("posts", post["id"], {"status": "left"})
    time.sleep(1.5)
    if changes(posts):
        return "leaves"
    return None


@behaviour(GROUP, "`directus_users` and `directus_folders`")
def system_collections(world):
    client = world.client()
    users = world.follow("directus_users", client, query={"fields": ["id", "first_name"]})
    folders = world.follow("directus_folders", client)
    folder = world.rest.request("POST", "/folders", {"name": "f"})
    folders.until_event("create", lambda e: e.data["id"] == folder["id"])
    user = users.until_event("init").data[0]["id"]
    world.rest.request("PATCH", f"/users/{user}", {"first_name": "New"})
    users.until_event("update", lambda e: e.data == {"id": user, "first_name": "New"})


@behaviour(GROUP, "`directus_files`: an upload")
def files(world):
    files = world.follow("directus_files", query={"fields": ["id", "title"]})
    file = upload(world, "/files", "a.txt", "hello", "text/plain", [("title", "A")])
    files.until_event("create", lambda e: e.data["id"] == file["id"])
