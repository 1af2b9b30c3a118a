"""The collections that the tests on databases work with."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "directus"))

from single import has_postgis  # noqa: E402

# What a template depends on.
MADE_OF = (Path(__file__).resolve(),)


def field(name, kind, special=None, **schema):
    return {
        "field": name,
        "type": kind,
        "meta": {"special": [special]} if special else {},
        "schema": schema,
    }


INTEGER_KEY = field("id", "integer", is_primary_key=True, has_auto_increment=True)
FIELD_N = field("n", "integer")
PLAIN = [INTEGER_KEY, field("title", "string"), FIELD_N]
# One for each trap, so that none hears of another.
FLAT = [f"flat_{n}" for n in range(8)]
TYPES = [
    field("big", "bigInteger"),
    field("price", "decimal", numeric_precision=20, numeric_scale=6),
    field("ratio", "float"),
    field("flag", "boolean"),
    field("code", "uuid"),
    field("day", "date"),
    field("hour", "time"),
    field("moment", "dateTime"),
    field("stamp", "timestamp"),
    field("tree", "json", "cast-json"),
    field("list", "csv", "cast-csv"),
    field("note", "text"),
    field("short", "string"),
]
SHAPE = field("shape", "geometry.Point", "geometry")
COLLECTIONS = {
    **dict.fromkeys(FLAT, PLAIN),
    "authors": [INTEGER_KEY, field("name", "string")],
    "posts": [*PLAIN, field("author", "integer")],
    "comments": [INTEGER_KEY, field("text", "string"), field("post", "integer")],
    "tags": [INTEGER_KEY, field("name", "string")],
    "posts_tags": [INTEGER_KEY, field("post", "integer"), field("tag", "integer")],
    "settings": PLAIN,
    "bigs": [field("id", "bigInteger", is_primary_key=True, has_auto_increment=True), FIELD_N],
    "kinds": [INTEGER_KEY, *TYPES],
    "codes": [field("code", "string", is_primary_key=True), field("label", "string")],
    "things": [
        field("id", "uuid", "uuid", is_primary_key=True),
        field("title", "string"),
        field("n", "integer"),
    ],
}


def has_geometry(kind):
    """Whether the database has it without more than Debian's package."""
    return kind == "mariadb" or (kind == "postgres" and has_postgis())


def apply(rest, kind):
    """Makes everything over REST."""
    for name, fields in COLLECTIONS.items():
        if name == "kinds" and has_geometry(kind):
            fields = [*fields, SHAPE]
        meta = {"singleton": name == "settings"}
        body = {"collection": name, "schema": {}, "meta": meta, "fields": fields}
        rest.request("POST", "/collections", body)
    relate(rest, "posts", "author", "authors", "posts")
    relate(rest, "comments", "post", "posts", "comments")
    relate(rest, "posts_tags", "post", "posts", "tags", special="m2m", junction="tag")
    relate(rest, "posts_tags", "tag", "tags", None, junction="post")


def relate(rest, many, field_name, one, alias, special="o2m", junction=None):
    if alias:
        body = {"field": alias, "type": "alias", "meta": {"special": [special]}}
        rest.request("POST", f"/fields/{one}", body)
    meta = {"one_field": alias, "junction_field": junction, "one_deselect_action": "nullify"}
    relation = {"collection": many, "field": field_name, "related_collection": one}
    rest.request(
        "POST", "/relations", {**relation, "meta": meta, "schema": {"on_delete": "SET NULL"}}
    )
