"""Traps of keys, relations, files and values: see traps.py."""

import time
import uuid
from contextlib import suppress
from typing import Any

from rest import RestError, item_path
from trap import ALL, deep_posts, rows, trap, upload

# ---- Keys --------------------------------------------------------------------------------------


@trap("flat_0", prepare=rows(6, "flat_0"))
def delete_of_integers_spelled_otherwise(here, keys):
    for key, spelling in zip(keys, ("00{}", "%2B{}", "{}.0", "%20{}", "{}", "{}")):
        # Not every database takes every spelling.
        with suppress(RestError):
            here.rest.request("DELETE", f"/items/flat_0/{spelling.format(key)}")


def things(here):
    return [here.rest.create("things", {"title": "t"})["id"] for _ in range(4)]


@trap("things", prepare=things)
def uuids_in_the_other_case(here, keys):
    for key in keys[:2]:
        here.rest.request("DELETE", f"/items/things/{key.upper()}")
    here.rest.request("PATCH", f"/items/things/{keys[2].upper()}", {"n": 1})
    here.rest.create("things", {"id": str(uuid.uuid4()).upper(), "title": "upper"})


@trap("flat_1", prepare=rows(1, "flat_1"))
def delete_of_keys_that_do_not_exist(here, keys):
    here.rest.delete("flat_1", 10**6)
    here.rest.request("DELETE", "/items/flat_1", [10**6 + 1, keys[0]])


@trap("flat_1", prepare=rows(1, "flat_1"))
def patch_that_names_another_key(here, keys):
    here.rest.update("flat_1", keys[0], {"id": keys[0] + 10**6, "n": 9})


ODD = ["a/b", "50%", "it's", 'say "hi"', "back\\slash", "x y", "ünï", "日本", "a?b=c&d", "#1", "+1"]
ODD += [
    "007",
    "1e3",
    "null",
    "NULL",
    "true",
    "false",
    "$NOW",
    "$CURRENT_USER",
    "😀",
    "semi;colon",
    "[1]",
    "a,b",
    "{}",
    "A" * 200,
]


def odd_keys(here):
    left = [row["code"] for row in here.rest.read("codes", "limit=-1&fields=code")]
    if left:
        here.rest.request("DELETE", "/items/codes", left)
    # MariaDB takes two that differ in their case for one.
    keys = [key for key in ODD if here.kind != "mariadb" or key != "NULL"]
    here.rest.create("codes", [{"code": key, "label": "before"} for key in keys])
    return keys


@trap("codes", prepare=odd_keys, key="code", rounds=1)
def text_keys_with_special_characters(here, keys):
    here.rest.request("PATCH", "/items/codes", [{"code": key, "label": "all"} for key in keys])
    for key in keys[::2]:
        here.rest.update("codes", key, {"label": "one"})
    for key in keys[::3]:
        here.rest.delete("codes", key)
    here.rest.create("codes", {"code": "new/one 100%", "label": "late"})


COLLATION = "the key is told as it was written, and MariaDB finds it in other cases, too"


def lower_key(here):
    key = f"key{time.monotonic_ns()}"
    here.rest.create("codes", {"code": key, "label": "before"})
    return key


@trap("codes", prepare=lower_key, key="code", untold={"mariadb": COLLATION})
def text_keys_in_another_case(here, key):
    with suppress(RestError):
        here.rest.delete("codes", key.upper())


# ---- Relations, files, and what is not told ----------------------------------------------------


@trap("comments", prepare=deep_posts(1))
def nested_writes_told_to_the_children(here, keys):
    nested(here, keys[0])


@trap("posts", prepare=deep_posts(1), query={"fields": ["*", "comments.*", "tags.*"], "limit": -1})
def nested_writes_told_to_the_parent(here, keys):
    nested(here, keys[0])


def nested(here, key):
    children = [row["id"] for row in here.rest.read("comments", f"filter[post][_eq]={key}")]
    changes = {
        "create": [{"text": "new"}, {"text": "newer"}],
        "update": [{"id": children[0], "text": "changed"}],
        "delete": [children[1]],
    }
    here.rest.update("posts", key, {"title": "nested", "comments": changes})
    here.rest.update("posts", key, {"tags": []})


def file(here):
    return upload(here, "before")["id"]


@trap("directus_files", prepare=file)
def the_content_of_a_file_is_replaced(here, key):
    upload(here, "after, and longer", key)


@trap(
    "flat_2",
    prepare=rows(3, "flat_2"),
    query={"limit": -1, "filter": {"n": {"_eq": 0}}},
    untold=dict.fromkeys(ALL, "a row that leaves the filter is not told"),
    never_told=ALL,
)
def rows_leave_the_filter(here, keys):
    here.rest.request("PATCH", "/items/flat_2", {"keys": keys, "data": {"n": 1}})


@trap(
    "posts",
    prepare=deep_posts(1),
    query={"fields": ["*", "author.name"], "limit": -1},
    untold=dict.fromkeys(ALL, "a change of a related row is not told"),
    never_told=ALL,
)
def the_name_of_the_author_changes(here, keys):
    author = here.rest.request("GET", item_path("posts", keys[0]))["author"]
    here.rest.update("authors", author, {"name": "two"})


@trap(
    "comments",
    prepare=deep_posts(1),
    untold=dict.fromkeys(ALL, "what the database does by itself is not told"),
    never_told=ALL,
)
def on_delete_set_null_by_the_database(here, keys):
    here.rest.delete("posts", keys[0])


# ---- Values ------------------------------------------------------------------------------------


@trap("settings")
def a_singleton_is_written_twice(here, _):
    here.rest.request("PATCH", "/items/settings", {"n": 1})
    here.rest.request("PATCH", "/items/settings", {"n": 2})


ODD_TEXT = "tab\t quote\" back\\ line\nreturn\r nul-free \u2028 \u00e9 e\u0301 😀 </script> '; --"
VALUES: list[dict[str, Any]] = [
    {
        "big": "9007199254740993",
        "price": "12345678901.123456",
        "ratio": 0.1,
        "flag": True,
        "code": "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
        "day": "2024-02-29",
        "hour": "23:59:59",
        "moment": "2024-02-29T23:59:59",
        "stamp": "2024-02-29T23:59:59.123Z",
        "tree": {"a": [1, 2.5, None, True, 'x"y'], "b": {}},
        "list": ["a", "b c", "ünï"],
        "note": ODD_TEXT,
        "short": "x" * 255,
        "shape": {"type": "Point", "coordinates": [13.4, 52.5]},
    },
    {
        "big": "-9223372036854775808",
        "price": "-0.000001",
        "ratio": -1.5e-30,
        "flag": False,
        "code": "00000000-0000-0000-0000-000000000000",
        "day": "1970-01-01",
        "hour": "00:00:00",
        "moment": "1999-12-31T00:00:00",
        "stamp": "2038-01-19T03:14:07Z",
        "tree": [],
        "list": [],
        "note": "",
        "short": " blank ",
        "shape": {"type": "Point", "coordinates": [-180, -90]},
    },
]


def value_row(here, number):
    row = dict(VALUES[number])
    if not here.has_geometry:
        del row["shape"]
    return row


def value_rows(here):
    return [
        row["id"] for row in here.rest.create("kinds", [value_row(here, 0), value_row(here, 1)])
    ]


@trap("kinds", prepare=value_rows)
def values_of_every_type(here, keys):
    one, two = value_row(here, 0), value_row(here, 1)
    here.rest.create("kinds", [one, two, {}])
    here.rest.update("kinds", keys[0], two)
    here.rest.request("PATCH", "/items/kinds", [{"id": keys[1], **one}, {"id": keys[0], **one}])
    here.rest.update("kinds", keys[1], dict.fromkeys(one))
