"""Live collections against one database whose events are wrong about what is done to it:
the traps of tests/databases, and some that only rows in order notice.

    python3 tests/live_collections/runs.py postgres [TRAP …]
"""

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "databases"), str(HERE.parent / "directus")]

import operators  # noqa: E402
import single  # noqa: E402
import tables  # noqa: E402
import writer  # noqa: E402
from library import Client  # noqa: E402
from order_traps import ORDER_TRAPS  # noqa: E402
from rest import Rest  # noqa: E402
from server_rows import QUIET_SECONDS, difference_at_last  # noqa: E402
from traps import TRAPS  # noqa: E402


@dataclass
class Here:
    """What a trap works with. `mirror` sends requests."""

    kind: str
    rest: Rest
    mirror: Client
    has_geometry: bool


class Requests:
    """Requests of one trap after the other."""

    def __init__(self, client):
        self.client = client

    def request(self, message):
        self.client.request(message)
        return 0


# What lets a mirror differ, and no live collection: it sees that the rows were touched.
SEEN = {"patch_with_an_array_that_enters_the_filter"}


def carry_out(here, client, trap):
    """The differences of each round, in words."""
    is_untold = here.kind in trap.untold and trap.name not in SEEN
    found = []
    for _ in range(max(trap.rounds, 2)):
        prepared = trap.prepare(here)
        options = {"primary_key": trap.key, "verify_ms": 2**32 - 1}
        others = getattr(trap, "depends_on", None)
        if others:
            options["depends_on"] = others
        live = client.live(trap.collection, trap.query, **options)
        before = len(live.now())
        trap.act(here, prepared)
        time.sleep(QUIET_SECONDS)
        if is_untold:
            live.verify()
        wrong = difference_at_last(live, here.rest, trap.collection, trap.query)
        if wrong and len(live.now()) - before < getattr(trap, "creates", 0):
            # An import that tells of one row is a lone create, which is believed.
            live.verify()
            wrong = difference_at_last(live, here.rest, trap.collection, trap.query)
        found.append(wrong)
        live.close()
    return found


@dataclass
class Writing:
    """Writers at once, and live collections that are looked at when it is quiet."""

    collection: str
    queries: list
    writers: int
    writes: int


WRITTEN = {
    "four_writers_on_flat_3": Writing(
        "flat_3",
        [
            None,
            {"filter": {"n": {"_lt": 0}}, "sort": ["title", "-n", "id"]},
            {"sort": ["-n", "id"], "limit": 10},
            {"sort": ["n", "-id"], "limit": 7, "offset": 5},
        ],
        writers=4,
        writes=40,
    ),
    # The server reads the row of each event once for each of them.
    "one_writer_and_every_operator": Writing("flat_3", operators.QUERIES, writers=1, writes=30),
}


def write(here, client, writing):
    lives = [client.live(writing.collection, query) for query in writing.queries]
    found = []
    for turn in range(3):
        with ThreadPoolExecutor(writing.writers) as pool:
            for each in [
                pool.submit(
                    writer.write_at_random,
                    here.rest,
                    writing.writers * turn + n,
                    writing.collection,
                    writing.writes,
                )
                for n in range(writing.writers)
            ]:
                each.result()
        if turn == 1:
            client.reconnect()
        time.sleep(QUIET_SECONDS)
        for live, query in zip(lives, writing.queries):
            if wrong := difference_at_last(live, here.rest, writing.collection, query):
                found.append(f"{query}: {wrong}")
    for live in lives:
        live.close()
    return found


def names():
    """All that is carried out."""
    return [
        *(trap.name for trap in [*TRAPS, *ORDER_TRAPS]),
        *WRITTEN,
    ]


def run(kind, wanted=None):
    """{name: the differences, or the exception that ended it}."""
    template = single.install(kind, tables.apply, tables.MADE_OF)
    outcomes = {}
    with single.Single(kind, template) as server, Client(server.node.url) as client:
        here = Here(kind, server.node.rest, Requests(client), tables.has_geometry(kind))
        by_collection = {}
        for trap in [*TRAPS, *ORDER_TRAPS]:
            if wanted is None or trap.name in wanted:
                place = "posts" if trap.collection == "comments" else trap.collection
                by_collection.setdefault(place, []).append(trap)

        def in_turn(traps):
            for trap in traps:
                try:
                    found = carry_out(here, client, trap)
                    outcomes[trap.name] = [each for each in found if each]
                except Exception as error:
                    outcomes[trap.name] = error

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(in_turn, each) for each in by_collection.values()]:
                done.result()
        for name, writing in WRITTEN.items():
            if wanted is None or name in wanted:
                outcomes[name] = write(here, client, writing)
    return outcomes


if __name__ == "__main__":
    random.seed(1)
    results = run(sys.argv[1], set(sys.argv[2:]) or None)
    for name, found in sorted(results.items()):
        print("ok    " if found == [] else "WRONG ", name, found or "")
    sys.exit(any(found != [] for found in results.values()))
