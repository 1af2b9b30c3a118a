"""Carries out the traps on one database, and says how the copies came out.

Traps of different collections run at once, since most of each is waiting.
"""

import json
import os
import random
import sys
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "directus")]

import single  # noqa: E402
import tables  # noqa: E402
from mirror import LIMIT_SECONDS, NEVER, Mirror, sleep_until  # noqa: E402
from paths import ROOT  # noqa: E402
from rest import ADMIN, DIRECT, Rest  # noqa: E402
from traps import TRAPS  # noqa: E402

ROUNDS = int(os.environ.get("DRT_DATABASE_ROUNDS", "2"))
# A copy that is kept is right so long after the last write.
SETTLED_SECONDS = 2.0
WRITERS = 4
WRITES = 150


@dataclass
class Here:
    """What a trap works with."""

    kind: str
    rest: Rest
    mirror: Mirror
    has_geometry: bool


@dataclass
class Outcome:
    """How the rounds of a trap came out."""

    rounds: int = 0
    #: Rounds in which the copy of the server's events alone was wrong, and so the library's.
    wrong_before: int = 0
    wrong: int = 0
    #: Rounds in which too little was reported for the copy to be right.
    unreported: int = 0
    #: What was wrong, in words.
    differences: list = field(default_factory=list)
    resyncs: int = 0
    errors: list = field(default_factory=list)
    settled: int = 0
    #: The longest that a copy took, from the last write.
    seconds: float = 0.0


def stored(rest, collection, key, query):
    """What the server answers to the same query: {key: row}."""
    words = {
        name: json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in query.items()
        if name != "fields"
    }
    words["fields"] = ",".join(query.get("fields", ["*"]))
    path = "/files" if collection == "directus_files" else f"/items/{collection}"
    url = f"{rest.url}{path}?{urllib.parse.urlencode(words)}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {ADMIN}"})
    with DIRECT.open(request, timeout=120) as answer:
        rows = json.loads(answer.read(), parse_float=Decimal)["data"]
    if isinstance(rows, dict):
        # A singleton.
        rows = [rows]
    return {str(row[key]): row for row in rows}


def ordered(value):
    """Nested rows come in any order."""
    if isinstance(value, dict):
        return {name: ordered(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((ordered(each) for each in value), key=repr)
    return value


def differences(copied, there):
    """The keys of rows that differ, with the word for it."""
    found = {}
    for key in copied.keys() | there.keys():
        if key not in there:
            found[key] = f"{key} is not stored any more"
        elif key not in copied:
            found[key] = f"{key} is missing"
        elif ordered(copied[key]) != ordered(there[key]):
            pairs = ((name, copied[key].get(name), value) for name, value in there[key].items())
            parts = [
                f"{name}: {old!r:.80} for {new!r:.80}" for name, old, new in pairs if old != new
            ]
            found[key] = f"{key} has {', '.join(parts)}"
    return found


class Copies:
    """The copy that the library keeps right, and one of the server's events alone.

    The server reads a row for one subscription after the other, and the later it does, the more
    often it is right: which of the two comes first changes with the rounds.
    """

    def __init__(self, here, trap, number):
        self.here, self.trap = here, trap
        args = trap.collection, trap.key, trap.query

        def settling():
            return here.mirror.subscribe(f"{trap.name}-settling-{number}", *args)

        def bare():
            return here.mirror.subscribe(f"{trap.name}-bare-{number}", *args, NEVER)

        if number % 2 == 0:
            self.settling, self.bare = settling(), bare()
        else:
            self.bare, self.settling = bare(), settling()

    def compare(self, outcome, may_differ=False):
        """After the last write: waits until the copy is what is stored."""
        ended = time.monotonic()
        sleep_until(ended + SETTLED_SECONDS)
        is_short = self.settling.creates() < getattr(self.trap, "creates", 0)
        limit = ended + (SETTLED_SECONDS if may_differ or is_short else LIMIT_SECONDS)
        while True:
            there = stored(self.here.rest, self.trap.collection, self.trap.key, self.trap.query)
            found = differences(self.settling.now(), there)
            if not found or time.monotonic() > limit:
                break
            time.sleep(0.5)
        if found and is_short:
            outcome.unreported += 1
            found = {}
        outcome.seconds = max(outcome.seconds, time.monotonic() - ended)
        outcome.rounds += 1
        outcome.wrong += bool(found)
        outcome.wrong_before += bool(differences(self.bare.now(), there))
        outcome.differences.extend(list(found.values())[:10])
        outcome.resyncs += self.settling.resyncs + self.bare.resyncs
        outcome.errors += self.settling.errors + self.bare.errors
        outcome.settled += self.settling.settled
        self.here.mirror.unsubscribe(self.settling)
        self.here.mirror.unsubscribe(self.bare)


def carry_out(here, trap):
    """Carries out the rounds of a trap."""
    outcome = Outcome()
    # `rounds` of a trap: 1 if it has no more than one, 5 if it takes several to see anything.
    count = 1 if trap.rounds == 1 else max(trap.rounds, 1) * ROUNDS
    for number, prepared in enumerate([trap.prepare(here) for _ in range(count)]):
        copies = Copies(here, trap, number)
        trap.act(here, prepared)
        copies.compare(outcome, here.kind in trap.untold)
    return outcome


def write_at_random(rest, number, collection):
    """One writer: creates, updates and deletes, alone and in batches, of its and others' rows."""
    choose = random.Random(number)
    keys = []
    for n in range(WRITES):
        what = choose.random()
        if what < 0.35 or not keys:
            row = {"title": f"writer {number}", "n": n}
            if collection == "posts" and choose.random() < 0.5:
                row["comments"] = [{"text": f"{number} {n}"}]
            keys.append(rest.create(collection, row)["id"])
        elif what < 0.7:
            rest.update(collection, choose.choice(keys), {"n": -n})
        elif what < 0.8:
            some = choose.sample(keys, min(len(keys), 3))
            rest.request("PATCH", f"/items/{collection}", [{"id": k, "n": n + k} for k in some])
        elif what < 0.85:
            made = rest.create(collection, [{"title": "batch", "n": n} for _ in range(3)])
            keys.extend(row["id"] for row in made)
        else:
            rest.delete(collection, keys.pop(choose.randrange(len(keys))))


@dataclass
class Writers:
    """A trap of its own: four writers at once, over rows that all of them see."""

    collection: str
    query: dict
    key: str = "id"

    @property
    def name(self):
        return f"four_writers_on_{self.collection}"


WRITERS_ON = [
    Writers("flat_3", {"limit": -1}),
    Writers("posts", {"fields": ["*", "comments.*"], "limit": -1}),
]


def let_write(here, writers):
    outcome = Outcome()
    copies = Copies(here, writers, 0)
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [
            pool.submit(write_at_random, here.rest, number, writers.collection)
            for number in range(WRITERS)
        ]
        for each in writing:
            each.result()
    copies.compare(outcome)
    return outcome


def in_turn(here, jobs, outcomes):
    """The traps of one collection, one after the other."""
    for job in jobs:
        perform = let_write if isinstance(job, Writers) else carry_out
        try:
            outcomes[job.name] = perform(here, job)
        except Exception as error:
            outcomes[job.name] = error


def jobs():
    """All that is carried out."""
    return [*TRAPS, *WRITERS_ON]


def run(kind, wanted=None):
    """{name: Outcome, or the exception that ended it}."""
    template = single.install(kind, tables.apply, tables.MADE_OF)
    by_collection = {}
    for job in jobs():
        if wanted is None or job.name in wanted:
            # What is done to posts is told of comments.
            place = "posts" if job.collection == "comments" else job.collection
            by_collection.setdefault(place, []).append(job)
    outcomes = {}
    with single.Single(kind, template) as server:
        mirror = Mirror(server.node.url)
        try:
            here = Here(kind, server.node.rest, mirror, tables.has_geometry(kind))
            with ThreadPoolExecutor(4) as pool:
                # The longest first.
                order = sorted(by_collection.values(), key=len, reverse=True)
                for done in [pool.submit(in_turn, here, each, outcomes) for each in order]:
                    done.result()
        finally:
            mirror.close()
        pids = [server.node.pid, server.database.pid]
    left = [pid for pid in pids if pid and Path(f"/proc/{pid}").exists()]
    assert not left, f"{left} still run"
    return outcomes


def report(kind, outcomes):
    """One line for each trap."""
    lines = [f"{kind}: wrong by the server's events alone, and with settling, of so many rounds"]
    for name, outcome in sorted(outcomes.items()):
        if isinstance(outcome, Outcome):
            counts = f"{outcome.wrong_before:3} {outcome.wrong:3} of {outcome.rounds:3}"
            rest = f"{outcome.settled:3} settled, {outcome.seconds:4.1f} s"
            rest += f", {outcome.unreported} unreported" if outcome.unreported else ""
            lines.append(f"{counts}  {name} ({rest}) {'; '.join(outcome.differences[:2])}")
        else:
            lines.append(f"  failed: {name}: {outcome!r}")
    return "\n".join(lines)


if __name__ == "__main__":
    began = time.monotonic()
    which = sys.argv[1]
    print(report(which, run(which, set(sys.argv[2:]) or None)))
    print(f"{time.monotonic() - began:.0f} s, in {ROOT.name}")
