"""Live collections below the limits of a server and of a client."""

import random
import threading
import time
import unittest

from library import CURRENT, ENDED, STALE, Client
from server_rows import difference, equal_when_quiet
from servers import NEVER, make, server, titled
from writer import write_at_random


class Limits(unittest.TestCase):
    def test_below_a_rate_limit_reads_wait_and_nothing_fails(self):
        # The limit counts what comes from this client, and what REST writes.
        limited = server(
            RATE_LIMITER_ENABLED="true", RATE_LIMITER_POINTS="8", RATE_LIMITER_DURATION="4"
        )
        query = titled("rate", sort=["title", "id"])
        seen = set()
        with Client(limited.url) as client:
            lives = [client.live("posts", query, verify_ms=NEVER) for _ in range(6)]
            stop = threading.Event()

            def look():
                while not stop.wait(0.005):
                    seen.update(live.status for live in lives)

            looking = threading.Thread(target=look)
            looking.start()
            for n in range(8):
                while True:
                    try:
                        limited.rest.create("posts", {"title": f"rate {n % 3}"})
                        break
                    except Exception:
                        time.sleep(0.5)
            client.reconnect()
            time.sleep(1)
            for live in lives:
                live.await_status(CURRENT)
            deadline = time.monotonic() + 60
            while True:
                try:
                    found = [difference(live, limited.rest, "posts", query) for live in lives]
                except OSError:
                    found = ["the limit"]
                if not any(found) or time.monotonic() > deadline:
                    break
                time.sleep(1)
            stop.set()
            looking.join()
            self.assertEqual([each for each in found if each], [])
            self.assertEqual([live.error for live in lives if live.error], [])
            self.assertIn(STALE, seen)

    def test_an_answer_larger_than_a_message_is_read_in_pages_while_rows_are_written(self):
        on = server()
        text = "x" * 2_000
        keys = make(on.rest, "large", 300, content=text)
        query = titled("large", sort=["-id"])
        query["fields"] = ["id", "title", "n", "content"]
        with Client(on.url, max_message_bytes=64 << 10) as client:
            live = client.live("posts", query, wait=False, verify_ms=NEVER)
            for key in random.Random(3).sample(keys, 40):
                on.rest.update("posts", key, {"n": -1})
            on.rest.delete("posts", keys[7])
            live.await_status()
            equal_when_quiet(live, on.rest, "posts", query)
            for key in keys[20:30]:
                on.rest.update("posts", key, {"title": "left"})
            make(on.rest, "large", 5, content=text)
            equal_when_quiet(live, on.rest, "posts", query)
            client.reconnect()
            equal_when_quiet(live.await_status(), on.rest, "posts", query)
        with Client(on.url, max_message_bytes=64 << 10) as client:
            # A window has to fit into a message: this one does not.
            live = client.live("posts", {**query, "limit": 200}, wait=False)
            live.await_status(ENDED)
            self.assertIn("TOO_LARGE", str(live.error))

    def test_an_expired_token_is_renewed_and_the_rows_stay_right(self):
        short = server(ACCESS_TOKEN_TTL="3s")
        query = titled("writer", sort=["-n", "id"], limit=10)
        options = {"email": b"admin@example.com", "password": b"d1r3ctu5-dev"}
        with Client(short.url, token=None, **options) as client:
            live = client.live("posts", query, verify_ms=NEVER)
            begun = time.monotonic()
            number = 0
            while time.monotonic() < begun + 9:
                write_at_random(short.rest, number, "posts", 25)
                number += 1
                time.sleep(0.7)
            equal_when_quiet(live, short.rest, "posts", query)
            self.assertEqual((live.status, live.error), (CURRENT, None))

    def test_an_application_that_is_slow_gets_merged_updates_and_never_wrong_ones(self):
        on = server()
        query = titled("slow", sort=["n", "-id"])
        query["fields"].append("content")
        make(on.rest, "slow", 20, content="y" * 3_000)
        with Client(on.url, queue_bytes=20_000) as client:
            live = client.live("posts", query, verify_ms=NEVER)
            client.pause(2)
            keys = [row["id"] for row in live.now()]
            choose = random.Random(4)
            for n in range(150):
                content = "z" * choose.randrange(4_000)
                on.rest.update("posts", choose.choice(keys), {"n": n, "content": content})
            make(on.rest, "slow", 3, n=5)
            client.pause(0)
            equal_when_quiet(live, on.rest, "posts", query)
            self.assertLess(live.updates, 100)
            self.assertEqual(live.status, CURRENT)


if __name__ == "__main__":
    unittest.main()
