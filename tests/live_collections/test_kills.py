"""Servers are killed and links are cut while four writers write: in every quiet moment the live
rows are the server's answer.

DRT_FAULT_SEED replays the random choices, DRT_LIVE_BREAKS sets how often something breaks.
"""

import os
import random
import sys
import threading
import time
import unittest

from library import Client
from relay import Relay
from rest import RestError
from server_rows import QUIET_SECONDS, difference_at_last
from servers import NEVER, NEW, Server, cluster

SEED = int(os.environ.get("DRT_FAULT_SEED", random.randrange(2**32)))
BREAKS = int(os.environ.get("DRT_LIVE_BREAKS", "30"))
#: Each of so many is a kill, which takes five seconds; the others are links that are cut.
KILL_EVERY = 6
FAILOVERS = 2
WRITERS = 4
QUERIES = [
    {"fields": ["id", "title", "n"]},
    {"filter": {"n": {"_gt": 500}}, "sort": ["title", "-n", "id"]},
    {"sort": ["-n", "id"], "limit": 8},
    {"sort": ["n", "-id"], "limit": 5, "offset": 3},
]


class Writing:
    """Writers that write until the block has ended. The server may be down at times."""

    def __init__(self, rests, seed):
        self.stop = threading.Event()
        self.threads = [
            threading.Thread(target=self._write, args=(rests[n % len(rests)], seed * WRITERS + n))
            for n in range(WRITERS)
        ]

    def _write(self, rest, seed):
        choose, keys = random.Random(seed), []
        while not self.stop.wait(choose.random() / 20):
            try:
                self._write_one(rest, choose, keys)
            except (OSError, RestError):
                self.stop.wait(0.1)

    def _write_one(self, rest, choose, keys):
        what, n = choose.random(), choose.randrange(1000)
        if what < 0.4 or not keys:
            keys.append(rest.create("posts", {"title": choose.choice("aAbBä"), "n": n})["id"])
        elif what < 0.75:
            rest.update("posts", choose.choice(keys), {"n": choose.choice([n, None])})
        elif what < 0.85:
            some = choose.sample(keys, min(3, len(keys)))
            rest.request("PATCH", "/items/posts", [{"id": key, "n": n} for key in some])
        else:
            rest.delete("posts", keys.pop(choose.randrange(len(keys))))

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def check(lives, rest, when):
    time.sleep(QUIET_SECONDS)
    for live, query in zip(lives, QUERIES):
        live.await_status()
        found = difference_at_last(live, rest, "posts", query)
        assert not found, f"{when}, {query} (DRT_FAULT_SEED={SEED}): {found}"


class Kills(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"DRT_FAULT_SEED={SEED}", file=sys.stderr)

    def test_the_rows_are_right_after_every_kill_and_every_cut(self):
        cluster.install(NEW)
        choose = random.Random(SEED)
        with Server(NEW) as server:
            relay = Relay(server.port)
            self.addCleanup(relay.close)
            with Client(relay.url, reconnect_max_ms=500) as client:
                lives = [client.live("posts", query, verify_ms=NEVER) for query in QUERIES]
                for number in range(BREAKS):
                    with Writing([server.rest], SEED + number):
                        time.sleep(choose.random())
                        if number % KILL_EVERY == 0:
                            server.kill()
                            server.start()
                        else:
                            relay.cut()
                        time.sleep(choose.random() / 2)
                    check(lives, server.rest, f"break {number}")

    def test_the_rows_are_right_after_a_node_of_a_cluster_dies(self):
        cluster.install(NEW)
        with cluster.Cluster(NEW) as both:
            relays = [Relay(node.port) for node in both.nodes]
            for relay in relays:
                self.addCleanup(relay.close)
            urls = ",".join(relay.url for relay in relays)
            with Client(urls, reconnect_max_ms=500) as client:
                lives = [client.live("posts", query, verify_ms=NEVER) for query in QUERIES]
                for number in range(FAILOVERS):
                    used = int(relays[1].is_used)
                    dying, other = both.nodes[used], both.nodes[1 - used]
                    with Writing([dying.rest, other.rest], SEED - 1 - number):
                        time.sleep(1)
                        dying.kill()
                        limit = time.monotonic() + 60
                        while not relays[1 - used].is_used:
                            self.assertLess(time.monotonic(), limit, "no failover")
                            time.sleep(0.05)
                        time.sleep(0.5)
                    check(lives, other.rest, f"failover {number}")
                    dying.start()
                    with Writing([dying.rest, other.rest], SEED - 100 - number):
                        time.sleep(1)
                    check(lives, dying.rest, f"both write, {number}")


if __name__ == "__main__":
    unittest.main()
