"""The collections and users that the tests and examples work with."""

import json

import users
from paths import EXAMPLES_SCHEMA

READABLE = ("posts", "authors", "things", "codes", "settings_one", "messages", "notifications")


def field(name, kind, meta=None, **schema):
    return {"field": name, "type": kind, "meta": meta or {}, "schema": schema}


INTEGER_KEY = field("id", "integer", is_primary_key=True, has_auto_increment=True)
UUID_KEY = field("id", "uuid", {"special": ["uuid"], "readonly": True}, is_primary_key=True)

# Those that the examples work with: {name: fields}.
EXAMPLES = {
    each["collection"]: each["fields"]
    for each in json.loads(EXAMPLES_SCHEMA.read_text(encoding="utf-8"))["collections"]
}
COLLECTIONS = {
    "authors": [INTEGER_KEY, field("name", "string")],
    "posts": [*EXAMPLES["posts"], field("n", "integer"), field("author", "integer")],
    "things": [UUID_KEY, field("title", "string")],
    "codes": [field("code", "string", is_primary_key=True), field("label", "string")],
    "settings_one": [INTEGER_KEY, field("title", "string")],
    "messages": EXAMPLES["messages"],
    "notifications": EXAMPLES["notifications"],
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
    """A user who may read some `(collection, fields, rule)`."""
    permissions = [
        {
            "collection": collection,
            "action": "read",
            "fields": fields,
            **({} if rule is None else {"permissions": rule}),
        }
        for collection, fields, rule in readable
    ]
    users.add_user(rest, name, token, permissions)
