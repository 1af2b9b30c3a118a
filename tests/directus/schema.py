"""The collections and users that the tests and examples work with."""

READABLE = ("posts", "authors", "things", "codes", "settings_one", "messages", "notifications")


def field(name, kind, meta=None, **schema):
    return {"field": name, "type": kind, "meta": meta or {}, "schema": schema}


INTEGER_KEY = field("id", "integer", is_primary_key=True, has_auto_increment=True)
UUID_KEY = field("id", "uuid", {"special": ["uuid"], "readonly": True}, is_primary_key=True)

COLLECTIONS = {
    "authors": [INTEGER_KEY, field("name", "string")],
    "posts": [
        INTEGER_KEY,
        field("title", "string"),
        field("status", "string"),
        field("content", "text"),
        field("n", "integer"),
        field("author", "integer"),
    ],
    "things": [UUID_KEY, field("title", "string")],
    "codes": [field("code", "string", is_primary_key=True), field("label", "string")],
    "settings_one": [INTEGER_KEY, field("title", "string")],
    "messages": [
        INTEGER_KEY,
        field("channel_id", "string"),
        field("text", "text"),
        field("user_name", "string"),
        field("date_created", "timestamp", {"special": ["date-created"]}),
    ],
    "notifications": [INTEGER_KEY, field("message", "string"), field("user_id", "string")],
    "secrets": [INTEGER_KEY, field("hidden", "string")],
}


def apply(rest, rules):
    """Makes everything over REST. `rules`: the server can store rules on fields
    and rows (an unlicensed 12.x cannot)."""
    for name, fields in COLLECTIONS.items():
        meta = {"singleton": name == "settings_one"}
        rest.request(
            "POST",
            "/collections",
            {"collection": name, "schema": {}, "meta": meta, "fields": fields},
        )
    rest.request(
        "POST", "/fields/authors", {"field": "posts", "type": "alias", "meta": {"special": ["o2m"]}}
    )
    rest.request(
        "POST",
        "/relations",
        {
            "collection": "posts",
            "field": "author",
            "related_collection": "authors",
            "meta": {"one_field": "posts"},
            "schema": {"on_delete": "SET NULL"},
        },
    )
    every = [(name, ["*"], None) for name in READABLE]
    add_user(rest, "reader", "reader-token", every)
    add_user(rest, "none", "none-token", [])
    if rules:
        published = {"status": {"_eq": "published"}}
        add_user(
            rest, "limited", "limited-token", [("posts", ["id", "title", "status"], published)]
        )


def add_user(rest, name, token, readable):
    """A user without access to the app, with a role and a policy of its own."""
    policy = rest.request(
        "POST", "/policies", {"name": name, "admin_access": False, "app_access": False}
    )
    for collection, fields, rule in readable:
        permission = {
            "policy": policy["id"],
            "collection": collection,
            "action": "read",
            "fields": fields,
        }
        if rule is not None:
            permission["permissions"] = rule
        rest.request("POST", "/permissions", permission)
    role = rest.request("POST", "/roles", {"name": name})
    rest.request(
        "POST",
        "/access",
        {"role": role["id"], "policy": policy["id"], "sort": 1},
    )
    rest.request(
        "POST",
        "/users",
        {
            "email": f"{name}@example.com",
            "password": f"{name}-password",
            "token": token,
            "role": role["id"],
            "status": "active",
        },
    )
