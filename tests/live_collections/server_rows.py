"""What the server answers to the query of a live collection, in its order."""

import json
import time
import urllib.parse
import urllib.request
from decimal import Decimal

from rest import ADMIN, DIRECT

# So long after the last write the rows are the server's.
QUIET_SECONDS = 2.0
# How late the server's events may be, where the machine is busy.
LATE_SECONDS = 15.0


def answer(rest, collection, query=None):
    query = dict(query or {})
    query.setdefault("limit", -1)
    words = {}
    for name, value in query.items():
        if isinstance(value, list):
            words[name] = ",".join(map(str, value))
        else:
            words[name] = json.dumps(value) if isinstance(value, dict) else str(value)
    place = collection[9:] if collection.startswith("directus_") else f"items/{collection}"
    url = f"{rest.url}/{place}?{urllib.parse.urlencode(words)}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {ADMIN}"})
    with DIRECT.open(request, timeout=120) as reply:
        rows = json.loads(reply.read(), parse_float=Decimal)["data"]
    return [rows] if isinstance(rows, dict) else rows


def nested_in_order(value):
    """Rows of relations come in any order, the rows themselves do not."""
    if isinstance(value, dict):
        return {name: nested_in_order(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((nested_in_order(each) for each in value), key=repr)
    return value


def difference(live, rest, collection, query=None):
    """In words; empty where the rows are those of the server."""
    there = [nested_in_order(row) for row in answer(rest, collection, query)]
    here = [nested_in_order(row) for row in live.now()]
    shown = [nested_in_order(row) for row in live.shown()]
    if here != shown:
        return f"I10: the changes give {here!r:.300} and not {shown!r:.300}"
    if here == there:
        return ""
    lacks = [row for row in there if row not in here]
    has = [row for row in here if row not in there]
    if not lacks and not has:
        return f"another order: {here!r:.300} for {there!r:.300}"
    return f"lacks {lacks!r:.300} and has {has!r:.300} ({len(here)} rows of {len(there)})"


def difference_at_last(live, rest, collection, query=None):
    """The same, once it is quiet. A server on a busy machine tells of an import seconds after it
    has answered: it is not quiet before."""
    limit = time.monotonic() + LATE_SECONDS
    while found := difference(live, rest, collection, query):
        if time.monotonic() > limit:
            break
        time.sleep(0.5)
    return found


def equal_when_quiet(live, rest, collection, query=None):
    """Asserts that the rows are those of the server when it is quiet."""
    time.sleep(QUIET_SECONDS)
    found = difference_at_last(live, rest, collection, query)
    assert not found, found
