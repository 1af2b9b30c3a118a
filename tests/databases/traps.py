"""What is done to a server whose events are wrong or missing about it.

Each is done in rounds. `prepare` makes the rows of one, before anything is subscribed;
`act` writes. What is not told at all a copy cannot have: `untold` says so, by database.
"""

import time

import traps_of_data  # noqa: F401
from rest import RestError
from trap import DEEP, OVER_NETWORK, TRAPS, deep_posts, import_rows, numbered, rows, trap  # noqa: F401

# ---- Several objects in one request ------------------------------------------------------------


@trap("flat_0", prepare=rows(10, "flat_0"))
def patch_with_an_array_of_10(here, keys):
    here.rest.request("PATCH", "/items/flat_0", numbered(keys))


@trap("flat_1", prepare=rows(100, "flat_1"))
def patch_with_an_array_of_100(here, keys):
    here.rest.request("PATCH", "/items/flat_1", numbered(keys))


@trap("flat_2", prepare=rows(30, "flat_2"))
def update_with_an_array_over_the_socket(here, keys):
    message = {"type": "items", "collection": "flat_2", "action": "update", "data": numbered(keys)}
    assert here.mirror.request(message) == 0


def ten_comments(here):
    made = here.rest.create("comments", [{"text": "before"} for _ in range(10)])
    return [row["id"] for row in made]


@trap("comments", prepare=ten_comments)
def patch_with_an_array_that_is_rolled_back(here, keys):
    changes = [{"id": key, "text": "after"} for key in keys]
    # There is no such post.
    changes[-1]["post"] = 10**6
    try:
        here.rest.request("PATCH", "/items/comments", changes)
    except RestError:
        return
    raise AssertionError("it was not refused")


@trap(
    "flat_4",
    prepare=rows(10, "flat_4"),
    query={"limit": -1, "filter": {"n": {"_gt": 0}}},
    untold=dict.fromkeys(OVER_NETWORK, "rows that enter a filter in a batch are not told"),
)
def patch_with_an_array_that_enters_the_filter(here, keys):
    here.rest.request("PATCH", "/items/flat_4", numbered(keys))


@trap("flat_5", prepare=rows(20, "flat_5"))
def batches_of_every_kind(here, keys):
    here.rest.create("flat_5", [{"title": f"new {n}"} for n in range(20)])
    here.rest.request("PATCH", "/items/flat_5", {"keys": keys[:10], "data": {"n": 5}})
    here.rest.request(
        "PATCH", "/items/flat_5", {"query": {"filter": {"n": {"_eq": 5}}}, "data": {"n": 6}}
    )
    here.rest.request("DELETE", "/items/flat_5", keys[5:15])


# ---- Imports -----------------------------------------------------------------------------------

UNREPORTED = "an import of which no create was reported"


@trap("flat_6", prepare=rows(20, "flat_6"))
def import_of_20_known_rows(here, keys):
    import_rows(here, "flat_6", [{**row, "title": "imported"} for row in numbered(keys)])


@trap("flat_7", rounds=5, creates=2)
def import_of_20_new_rows(here, _):
    import_rows(here, "flat_7", [{"title": "imported", "n": n} for n in range(20)])


@trap("bigs", rounds=2, creates=2)
def import_of_20_new_rows_with_big_integers_as_keys(here, _):
    import_rows(here, "bigs", [{"n": n} for n in range(20)])


@trap("flat_7", query={"limit": -1, "filter": {"n": {"_gt": 4}}}, rounds=2, creates=2)
def import_of_20_new_rows_of_which_15_match_the_filter(here, _):
    import_rows(here, "flat_7", [{"title": "imported", "n": n} for n in range(20)])


@trap("flat_7", untold=dict.fromkeys(OVER_NETWORK, UNREPORTED), rounds=2)
def import_of_one_new_row(here, _):
    import_rows(here, "flat_7", [{"title": "imported", "n": 1}])


@trap(
    "flat_7",
    prepare=rows(1, "flat_7"),
    untold=dict.fromkeys(OVER_NETWORK, "a lone update with the row as it was before"),
    rounds=5,
)
def import_of_one_known_row(here, keys):
    import_rows(here, "flat_7", [{"id": keys[0], "n": 7}])


# ---- One row, several times --------------------------------------------------------------------


@trap("posts", prepare=deep_posts(5), query=DEEP)
def patch_then_delete_with_relations(here, keys):
    for key in keys:
        here.rest.update("posts", key, {"title": "after"})
        time.sleep(0.2)
        here.rest.delete("posts", key)


@trap("posts", prepare=deep_posts(1), query=DEEP)
def one_patch_then_delete_with_relations(here, keys):
    here.rest.update("posts", keys[0], {"title": "after"})
    time.sleep(0.2)
    here.rest.delete("posts", keys[0])


@trap("posts", query=DEEP)
def post_then_delete_with_relations(here, _):
    for n in range(5):
        post = {"title": "short", "comments": [{"text": f"comment {n}"}], "author": {"name": "a"}}
        key = here.rest.create("posts", post)["id"]
        here.rest.delete("posts", key)


@trap("posts", prepare=deep_posts(4), query=DEEP)
def three_awaited_patches_with_relations(here, keys):
    for key in keys:
        for n in range(1, 4):
            here.rest.update("posts", key, {"n": n})


@trap("posts", prepare=deep_posts(1))
def three_awaited_patches_of_a_row_with_aliases(here, keys):
    for n in range(1, 4):
        here.rest.update("posts", keys[0], {"n": n})
