"""The footnotes of the table: what differs, and what the library makes of it.

`HANDLED`: the library's promise holds all the same. `SERVER`: a client cannot change it.
"""

HANDLED, SERVER = "✓", "–"

# The group of rows that are about the server, without the library.
SERVER_ITSELF = "The server itself"

NOTES = {
    "licence": (
        SERVER,
        "A 12.x server without a licence cannot store rules on rows and fields, so there is nothing"
        " to test. The library leaves rules to the server.",
    ),
    "version": (
        SERVER,
        "The server ignores `version` over the WebSocket: the snapshot and the events have the"
        " main item. Read the draft with `GET /items/…?version=…`.",
    ),
    "version fields": (
        SERVER,
        "Without `fields` the server sends nothing but `$meta`. With `fields` it sends the draft.",
    ),
    "alias alone": (
        SERVER,
        "The server sends the bare keys in place of the items. Add the key to `fields`.",
    ),
    "operator": (
        SERVER,
        "The server ignores an operator that it does not know, and the subscription gets every row."
        " The Python and Node packages refuse unknown parameters, not unknown operators.",
    ),
    "limit": (
        SERVER,
        "The server takes a `limit` that is no number for none.",
    ),
    "unanswered": (
        HANDLED,
        "The server does not answer such a subscribe, as it fails on it. The library reads the"
        " collection when `ack_timeout_ms` has passed, and reports the refusal of that.",
    ),
    "uid": (
        HANDLED,
        "The library finds out which subscription is refused: from the first such error on it sends"
        " one at a time, and reads with the same query where several may be meant. That takes"
        " longer.",
    ),
    "request uid": (
        HANDLED,
        "The library finds out which request is refused: from the first such error on it sends one"
        " at a time.",
    ),
    "to all": (
        HANDLED,
        "The server does not say of which subscription an event is withheld: all active"
        " subscriptions of the client report it, and stay.",
    ),
    "origin": (
        SERVER,
        "A page of any other site may open a link with its visitor's cookie. The library sends no"
        " `Origin`, and no cookie unless `headers` has one.",
    ),
    "pipelined": (
        HANDLED,
        "What is sent before `auth` is answered is lost. The library waits for the answer.",
    ),
    "strict item": (
        HANDLED,
        'The server compares keys as JSON, where 7 is not `"7"`. The library subscribes to the'
        " collection with a filter on the key.",
    ),
    "expired": (
        HANDLED,
        "The server goes on sending events, without asking for the permission. The library gives"
        " the link up: see above.",
    ),
    "public": (
        SERVER,
        "`public` mode does not work as described in this version: use another mode, or update.",
    ),
    "delete leak": (
        SERVER,
        "A subscription to deletes alone is accepted where the collection cannot be read.",
    ),
    "leaves": (SERVER, "The server reports a row that leaves the filter."),
    "malformed": (HANDLED, "The server is silent. The library sends no malformed JSON."),
    "strict auth": (
        SERVER,
        "The server wants an `auth` message as well, in `strict` mode. The client fails with a"
        " message that says so.",
    ),
}
