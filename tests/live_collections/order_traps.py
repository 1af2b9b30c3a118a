"""What only rows in order notice: windows that shift, sort keys that change, relations."""

import time
from dataclasses import dataclass, field
from typing import Callable

from trap import deep_posts, rows

ORDER_TRAPS = []


@dataclass
class OrderTrap:
    name: str
    collection: str
    act: Callable
    prepare: Callable
    query: dict
    depends_on: str = ""
    key: str = "id"
    rounds: int = 0
    untold: dict = field(default_factory=dict)


def trap(collection, prepare, query, **options):
    def make(act):
        ORDER_TRAPS.append(OrderTrap(act.__name__, collection, act, prepare, query, **options))
        return act

    return make


def rows_of_kinds(here):
    made = [{"day": f"2026-01-1{n}", "price": f"{n}.25"} for n in range(4)]
    return [row["id"] for row in here.rest.create("kinds", made)]


TITLES = ["b", "B", "a", "ä", "Z", "aa", "", "é", "e", "_", "10", "9"]


def titled(here, keys):
    for key, title in zip(keys, TITLES):
        here.rest.update("flat_3", key, {"title": title})


@trap("flat_3", rows(12, "flat_3"), {"sort": ["title", "id"], "limit": -1})
def the_sort_key_is_a_text(here, keys):
    titled(here, keys)
    here.rest.update("flat_3", keys[3], {"title": None})
    here.rest.create("flat_3", {"title": "b"})


@trap("flat_3", rows(6, "flat_3"), {"sort": ["-n", "title", "-id"], "limit": -1})
def several_fields_descending_with_nulls_and_ties(here, keys):
    for n, key in enumerate(keys):
        here.rest.update("flat_3", key, {"n": (None, 2)[n % 2], "title": "bBa"[n // 2]})
    here.rest.create("flat_3", [{"n": None}, {"n": 2, "title": None}, {"n": -3}])
    here.rest.delete("flat_3", keys[1])


@trap("flat_3", rows(4, "flat_3"), {"sort": ["n", "id"], "limit": -1})
def a_lone_row_goes_to_the_nulls_and_comes_back(here, keys):
    for n in (None, 7):
        time.sleep(1.2)
        here.rest.update("flat_3", keys[2], {"n": n})


@trap("kinds", rows_of_kinds, {"fields": ["id", "day", "price"], "sort": ["-day", "price"]})
def dates_and_decimals_are_placed(here, keys):
    for n, key in enumerate(keys):
        time.sleep(1.1)
        here.rest.update("kinds", key, {"day": f"20{(13 * n) % 100:02}-02-0{1 + n % 9}"})
    here.rest.update("kinds", keys[0], {"price": "1000.5", "day": None})


@trap("flat_3", rows(8, "flat_3"), {"sort": ["-n", "-id"], "limit": 4})
def a_window_refills(here, keys):
    for n, key in enumerate(keys):
        here.rest.update("flat_3", key, {"n": 1000 + n})
    here.rest.delete("flat_3", keys[7])
    here.rest.update("flat_3", keys[6], {"n": -1})


@trap("flat_3", rows(8, "flat_3"), {"sort": ["n", "id"], "limit": 3, "offset": 2})
def a_window_shifts(here, keys):
    here.rest.update("flat_3", keys[0], {"n": -50})
    here.rest.create("flat_3", {"n": -100})
    here.rest.delete("flat_3", keys[2])


@trap("flat_3", rows(8, "flat_3"), {"sort": ["id"], "limit": 3, "page": 2})
def a_page_shifts(here, keys):
    first = here.rest.read("flat_3", "limit=1&sort=id")[0]["id"]
    here.rest.delete("flat_3", first)


@trap("flat_3", rows(6, "flat_3"), {"filter": {"n": {"_between": [1, 3]}}, "sort": ["-n", "id"]})
def rows_enter_and_leave(here, keys):
    for n, key in enumerate(keys):
        here.rest.update("flat_3", key, {"n": n})
    time.sleep(0.3)
    for n, key in enumerate(keys):
        here.rest.update("flat_3", key, {"n": n + 2})


@trap("flat_3", rows(3, "flat_3"), {"search": "needle"})
def rows_enter_and_leave_a_search(here, keys):
    here.rest.update("flat_3", keys[0], {"title": "a needle"})
    time.sleep(1.2)
    here.rest.update("flat_3", keys[0], {"title": "hay"})
    here.rest.update("flat_3", keys[1], {"title": "needles"})


@trap("flat_3", rows(3, "flat_3"), {"filter": {"n": {"_null": True}}, "fields": ["id", "title"]})
def deletes_of_rows_that_never_matched(here, keys):
    here.rest.delete("flat_3", keys[0])
    here.rest.update("flat_3", keys[1], {"n": None})


@trap(
    "posts",
    deep_posts(2),
    {"fields": ["id", "title", "author.name"], "sort": ["author.name", "id"], "limit": -1},
    depends_on="authors",
)
def the_author_of_a_row_changes_its_name(here, keys):
    author = here.rest.read("posts", f"filter[id][_eq]={keys[0]}")[0]["author"]
    here.rest.update("authors", author, {"name": f"renamed {time.monotonic()}"})


@trap(
    "posts",
    deep_posts(2),
    {"fields": ["id", "comments.text"], "filter": {"comments": {"text": {"_eq": "comment 1"}}}},
    depends_on="comments",
)
def a_filter_looks_at_related_rows(here, keys):
    made = here.rest.read("comments", f"filter[post][_eq]={keys[0]}&limit=-1")
    for row in made:
        here.rest.update("comments", row["id"], {"text": "another"})
