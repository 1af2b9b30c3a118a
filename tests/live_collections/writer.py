"""A writer that does what users do, at random."""

import random

TITLES = ["a bath", "Bath", "hat", "batch", "", None, "writer"]


def write_at_random(rest, number, collection, count):
    """One writer: creates, updates and deletes, alone and in batches."""
    choose = random.Random(number)
    keys = []
    for n in range(count):
        what = choose.random()
        if what < 0.35 or not keys:
            row = {"title": f"writer {number}", "n": n}
            keys.append(rest.create(collection, row)["id"])
        elif what < 0.7:
            change = {"n": choose.choice([-n, n, None]), "title": choose.choice(TITLES)}
            rest.update(collection, choose.choice(keys), change)
        elif what < 0.8:
            some = choose.sample(keys, min(len(keys), 3))
            rest.request("PATCH", f"/items/{collection}", [{"id": k, "n": n + k} for k in some])
        elif what < 0.85:
            made = rest.create(collection, [{"title": "batch", "n": n} for _ in range(3)])
            keys.extend(row["id"] for row in made)
        else:
            rest.delete(collection, keys.pop(choose.randrange(len(keys))))
