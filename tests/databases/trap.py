"""The declaration of traps, and what they need to write."""

import json
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Callable

from rest import ADMIN, DIRECT

ALL = ("sqlite", "postgres", "mariadb")
OVER_NETWORK = ("postgres", "mariadb")
DEEP = {"fields": ["*.*.*"], "limit": -1}
EVERY = {"limit": -1}


@dataclass
class Trap:
    name: str
    collection: str
    act: Callable
    prepare: Callable = lambda here: None
    key: str = "id"
    query: dict = field(default_factory=lambda: EVERY)
    #: {database: why the copy may differ from what is stored}
    untold: dict = field(default_factory=dict)
    #: Databases on which it always differs: a server that tells it is news.
    never_told: tuple = ()
    rounds: int = 0
    #: With fewer creates than these reported, the copy of a round may differ.
    creates: int = 0


TRAPS = []


def trap(collection, **options):
    """Makes a trap of a function that acts."""

    def make(act):
        name = act.__name__
        TRAPS.append(Trap(name, collection, act, **options))
        return act

    return make


def rows(count, collection):
    def prepare(here):
        made = here.rest.create(collection, [{"title": "before", "n": 0} for _ in range(count)])
        return [row["id"] for row in made]

    return prepare


def numbered(keys):
    return [{"id": key, "n": n} for n, key in enumerate(keys, 1)]


def deep_posts(count):
    def prepare(here):
        made = []
        for _ in range(count):
            # One each, as a post shows its author's others, too.
            author = here.rest.create("authors", {"name": "one"})["id"]
            comments = [{"text": f"comment {n}"} for n in range(3)]
            tags = [{"tag": {"name": f"tag {n}"}} for n in range(2)]
            post = {"title": "before", "n": 0, "author": author, "comments": comments, "tags": tags}
            made.append(here.rest.create("posts", post)["id"])
        return made

    return prepare


def upload(here, content, key=None):
    """Stores a file, or replaces the content of one."""
    mark = uuid.uuid4().hex
    part = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    body = f"{part}Content-Type: text/plain\r\n\r\n{content}\r\n--{mark}--\r\n"
    path = "/files" if key is None else f"/files/{key}"
    return send(here, "POST" if key is None else "PATCH", path, mark, body)


def import_rows(here, collection, imported):
    mark = uuid.uuid4().hex
    part = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="rows.json"\r\n'
    text = json.dumps(imported)
    body = f"{part}Content-Type: application/json\r\n\r\n{text}\r\n--{mark}--\r\n"
    send(here, "POST", f"/utils/import/{collection}", mark, body)


def send(here, method, path, mark, body):
    request = urllib.request.Request(here.rest.url + path, data=body.encode(), method=method)
    request.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
    request.add_header("Authorization", f"Bearer {ADMIN}")
    with DIRECT.open(request, timeout=120) as answer:
        text = answer.read().decode()
    return json.loads(text)["data"] if text else None
