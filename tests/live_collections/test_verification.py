"""What the server is silent about is found by the next verification."""

import time
import unittest

from library import CURRENT, ENDED, STALE, Client
from server_rows import difference
from servers import NEVER, NEW, OLD, make, server, sql, titled

#: How often the live collections of these tests are verified.
EVERY = 1_500
LIMIT_SECONDS = 30


def await_equal(live, rest, query):
    """Waits until the rows are the server's. It takes a verification, and the time of its reads."""
    limit = time.monotonic() + LIMIT_SECONDS
    while found := difference(live, rest, "posts", query):
        assert time.monotonic() < limit, found
        time.sleep(0.2)


class Verification(unittest.TestCase):
    def setUp(self):
        self.on = server(NEW)
        self.rest = self.on.rest

    def test_sql_by_hand_is_found(self):
        query = titled("by hand", sort=["n", "id"])
        keys = make(self.rest, "by hand", 5)
        with Client(self.on.url) as client:
            live = client.live("posts", query, verify_ms=EVERY)
            sql(self.on, "UPDATE posts SET n = 100 WHERE id = ?", keys[0])
            sql(self.on, "DELETE FROM posts WHERE id = ?", keys[1])
            sql(self.on, "INSERT INTO posts (title, n) VALUES ('by hand', 50)")
            sql(self.on, "UPDATE posts SET title = 'gone' WHERE id = ?", keys[2])
            await_equal(live, self.rest, query)
            # They were told as differences.
            self.assertEqual(sorted(kind for kind, _ in live.changes[5:]), [0, 1, 2, 2])

    def test_verify_says_what_it_has_repaired(self):
        query = titled("says", sort=["id"])
        keys = make(self.rest, "says", 4)
        with Client(self.on.url) as client:
            live = client.live("posts", query, verify_ms=NEVER)
            self.assertEqual(live.verify(), {"equal": True, "rows": 4})
            sql(self.on, "UPDATE posts SET n = 7 WHERE id = ?", keys[0])
            sql(self.on, "DELETE FROM posts WHERE id IN (?, ?)", *keys[1:3])
            time.sleep(2)
            self.assertNotEqual(difference(live, self.rest, "posts", query), "")
            self.assertEqual(
                live.verify(), {"equal": False, "rows": 2, "added": 0, "modified": 1, "removed": 2}
            )
            self.assertEqual(difference(live, self.rest, "posts", query), "")
            self.assertEqual(live.verify(), {"equal": True, "rows": 2})

    def test_the_database_sets_a_relation_to_null(self):
        author = self.rest.create("authors", {"name": "Ann"})["id"]
        make(self.rest, "nulled", 3, author=author)
        query = titled("nulled", sort=["id"])
        query["fields"] += ["author.name"]
        with Client(self.on.url) as client:
            live = client.live("posts", query, verify_ms=EVERY)
            self.rest.delete("authors", author)
            await_equal(live, self.rest, query)
            self.assertIsNone(live.now()[0]["author"])

    def test_now_in_a_filter_moves_on(self):
        self.rest.create("messages", {"channel_id": "now", "text": "a"})
        query = {
            "fields": ["id", "text", "date_created"],
            "filter": {"channel_id": {"_eq": "now"}, "date_created": {"_gt": "$NOW(-6 seconds)"}},
        }
        with Client(self.on.url) as client:
            live = client.live("messages", query, verify_ms=EVERY)
            self.assertEqual(len(live.now()), 1)
            limit = time.monotonic() + LIMIT_SECONDS
            while live.now():
                self.assertLess(time.monotonic(), limit)
                time.sleep(0.2)
            # The server's own subscription still has the old window; rows are those of the new one.
            self.rest.create("messages", {"channel_id": "now", "text": "b"})
            limit = time.monotonic() + LIMIT_SECONDS
            while [row["text"] for row in live.now()] != ["b"]:
                self.assertLess(time.monotonic(), limit)
                time.sleep(0.2)


class Permissions(unittest.TestCase):
    """What a user may read changes, in a server that has rules for rows."""

    def setUp(self):
        self.on = server(OLD)
        self.rest = self.on.rest

    def permission(self):
        path = "/permissions?filter[policy][name][_eq]=limited"
        return self.rest.request("GET", path)[0]

    def test_a_rule_changes_and_its_rows_come_and_go(self):
        make(self.rest, "ruled", 2, status="published")
        make(self.rest, "ruled", 3, status="draft")
        query = {"filter": {"title": {"_eq": "ruled"}}, "fields": ["id", "title", "status"]}
        rule = self.permission()
        with Client(self.on.url, token="limited-token") as client:
            live = client.live("posts", query, verify_ms=EVERY)
            self.assertEqual(len(live.now()), 2)

            def allow(rows, count):
                path = f"/permissions/{rule['id']}"
                self.rest.request("PATCH", path, {"permissions": rows})
                limit = time.monotonic() + LIMIT_SECONDS
                while len(live.now()) != count:
                    self.assertLess(time.monotonic(), limit)
                    time.sleep(0.2)

            try:
                allow({"status": {"_eq": "draft"}}, 3)
                allow({}, 5)
            finally:
                allow(rule["permissions"], 2)
            self.assertEqual(live.status, CURRENT)

    def test_a_permission_goes_and_comes_back(self):
        make(self.rest, "allowed", 3, status="published")
        query = {"filter": {"title": {"_eq": "allowed"}}, "fields": ["id", "title", "status"]}
        rule = self.permission()
        with Client(self.on.url, token="limited-token") as client:
            live = client.live("posts", query, verify_ms=EVERY)
            self.rest.request("DELETE", f"/permissions/{rule['id']}")
            try:
                live.await_status(STALE, LIMIT_SECONDS)
                self.assertIn("FORBIDDEN", str(live.error))
                # Nobody says that the rows are gone.
                self.assertEqual(len(live.now()), 3)
                refused = client.live("posts", query, wait=False).await_status(ENDED)
                self.assertIn("FORBIDDEN", str(refused.error))
            finally:
                again = {name: value for name, value in rule.items() if name != "id"}
                self.rest.request("POST", "/permissions", again)
            live.await_status(CURRENT)
            self.assertEqual((len(live.now()), live.error), (3, None))


if __name__ == "__main__":
    unittest.main()
