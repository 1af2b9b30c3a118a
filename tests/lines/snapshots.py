"""Snapshots, and what a query does to them and to events."""

from behaviour import SECONDS, behaviour, expect, fails
from directus_realtime import InvalidArgumentError

GROUP = "Snapshots and queries"


def of(status, **query):
    """Checks share a server, so each works on posts of its own status."""
    return {"filter": {"status": {"_eq": status}}, "limit": -1, **query}


@behaviour(GROUP, "an exact INIT")
def exact(world):
    post = world.rest.create("posts", {"title": "exact", "status": "exact"})
    init = world.follow("posts", query=of("exact")).until_event("init")
    expect(init.data, [post])


@behaviour(GROUP, "the server's own INIT")
def servers_own(world):
    post = world.rest.create("posts", {"title": "own", "status": "own"})
    init = world.follow("posts", query=of("own"), snapshot="server").until_event("init")
    expect(init.data, [post])


@behaviour(GROUP, "`filter`, `fields` with relations, `sort`, `limit`")
def query(world):
    author = world.rest.create("authors", {"name": "Ada"})
    for n in range(3):
        row = {"title": f"{n}", "status": "query", "author": author["id"]}
        world.rest.create("posts", row)
    wanted = of("query", fields=["title", "author.name"], sort=["-id"], limit=2)
    posts = world.follow("posts", query=wanted)
    rows = [{"title": title, "author": {"name": "Ada"}} for title in ("2", "1")]
    expect(posts.until_event("init").data, rows)
    world.rest.create("posts", {"title": "not", "status": "other"})
    world.rest.create("posts", {"title": "3", "status": "query", "author": author["id"]})
    create = posts.until_event("create")
    expect(create.data, {"title": "3", "author": {"name": "Ada"}})


@behaviour(GROUP, "`search`")
def search(world):
    posts = world.follow("posts", query={"search": "needle", "limit": -1})
    world.rest.create("posts", {"title": "hay", "status": "search"})
    world.rest.create("posts", {"title": "a needle", "status": "search"})
    expect(posts.until_event("create").data["title"], "a needle")


@behaviour(GROUP, "`deep`")
def deep(world):
    author = world.rest.create("authors", {"name": "Deep"})
    for title in ("one", "two"):
        world.rest.create("posts", {"title": title, "status": "deep", "author": author["id"]})
    wanted = {
        "fields": ["name", "posts.title"],
        "filter": {"name": {"_eq": "Deep"}},
        "deep": {"posts": {"_filter": {"title": {"_eq": "two"}}}},
    }
    expected = {"name": "Deep", "posts": [{"title": "two"}]}
    authors = world.follow("authors", query=wanted)
    expect(authors.until_event("init").data, [expected])
    world.rest.update("authors", author["id"], {"name": "Deep"})
    expect(authors.until_event("update").data, expected)


@behaviour(GROUP, "`alias`")
def alias(world):
    wanted = of("alias", alias={"name": "title"}, fields=["id", "name"])
    posts = world.follow("posts", query=wanted)
    post = world.rest.create("posts", {"title": "aliased", "status": "alias"})
    expect(posts.until_event("create").data, {"id": post["id"], "name": "aliased"})


@behaviour(GROUP, "`fields` of nothing but an `alias`")
def alias_alone(world):
    world.rest.create("posts", {"title": "first", "status": "alone"})
    posts = world.follow("posts", query=of("alone", alias={"name": "title"}, fields=["name"]))
    post = world.rest.create("posts", {"title": "second", "status": "alone"})
    told = [posts.until_event("init").data[0], posts.until_event("create").data]
    if told == [{"name": "first"}, {"name": "second"}]:
        return None
    expect(told[1], post["id"])
    return "alias alone"


@behaviour(GROUP, "`meta` with counts")
def meta(world):
    posts = world.follow("posts", query=of("meta", meta=["filter_count"]))
    expect(posts.until_event("init").meta, {"filter_count": 0})
    world.rest.create("posts", {"title": "m", "status": "meta"})
    expect(posts.until_event("create").meta, {"filter_count": 1})


@behaviour(GROUP, "`$NOW` in a filter")
def now(world):
    wanted = {"filter": {"date_created": {"_gt": "$NOW(-1 hour)"}}, "limit": -1}
    messages = world.follow("messages", query=wanted)
    message = world.rest.create("messages", {"text": "now"})
    messages.until_event("create", lambda e: e.data["id"] == message["id"])


@behaviour(GROUP, "`version`: the draft of one item")
def version(world):
    row = world.rest.create("drafts", {"title": "main"})
    name = {"key": "draft", "name": "Draft", "collection": "drafts", "item": str(row["id"])}
    made = world.rest.request("POST", "/versions", name)
    world.rest.request("POST", f"/versions/{made['id']}/save", {"title": "draft"})

    def title(**query):
        followed = world.follow("drafts", item=row["id"], query={"version": "draft", **query})
        return followed.until_event("init").data.get("title")

    if title() == "main":
        return "version"
    expect(title(fields=["id", "title"]), "draft")
    return None if title() == "draft" else "version fields"


@behaviour(GROUP, "`aggregate` is refused at once")
def aggregate(world):
    client = world.client()
    error = fails(
        InvalidArgumentError,
        client.subscribe,
        "posts",
        print,
        query={"aggregate": {"count": ["id"]}},
    )
    assert "aggregate" in str(error), error


@behaviour(GROUP, "an integer beyond 2³¹, all digits")
def big_integer(world):
    numbers = world.follow("numbers")
    most = 2**53 - 1
    world.rest.create("numbers", {"big": most})
    expect(str(numbers.until_event("create").data["big"]), str(most))


@behaviour(GROUP, "text beyond ASCII, unaltered")
def text(world):
    words = 'naïve "日本語" 🦀 \\ \u2028'
    posts = world.follow("posts", query=of("text"))
    world.rest.create("posts", {"title": words, "status": "text"})
    expect(posts.until_event("create").data["title"], words)
    again = world.follow("posts", query=of("text")).until_event("init")
    expect(again.data[0]["title"], words)


@behaviour(GROUP, "a singleton, empty and written")
def singleton(world):
    one = world.follow("settings_one")
    world.rest.request("PATCH", "/items/settings_one", {"title": "hello"})
    one.until("the title", lambda events: events[-1].data and "hello" in str(events[-1].data))
    again = world.follow("settings_one").until_event("init")
    expect(again.data["title"], "hello")
    assert one.subscription.wait(SECONDS) is None
