"""Draws the pictures of the guides: `make pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from svg import area, box, path, picture, text

HERE = Path(__file__).resolve().parent


def states() -> str:
    """Follows `src/session/router/link.rs` and `commands.rs`, which enter the states."""
    top, low, width, height = 40, 190, 150, 40
    columns = {"IDLE": 10, "CONNECTING": 270, "AUTHENTICATING": 520, "CONNECTED": 770}
    kinds = {"IDLE": "rest", "CONNECTED": "box"}
    row = [box(x, top, width, height, kinds.get(s, "wait"), s) for s, x in columns.items()]
    middle, bottom = top + height / 2, top + height
    return picture(
        "The states of a client",
        930,
        320,
        [
            *row,
            box(10, low, width, height, "rest", "CLOSED"),
            box(520, low, width, height, "wait", "BACKOFF"),
            box(770, low, width, height, "end", "FAILED"),
            path((160, middle), (270, middle)),
            text(215, middle - 22, "connect, or the"),
            text(215, middle - 7, "first subscription"),
            path((420, middle), (520, middle)),
            text(470, middle - 7, "the link opens"),
            path((670, middle), (770, middle)),
            text(720, middle - 22, "credentials"),
            text(720, middle - 7, "are accepted"),
            path((345, top), (345, 14), (845, 14), (845, top)),
            text(595, 10, "the link opens, public or strict mode"),
            # What ends an attempt or a link, from any of the three.
            path((400, bottom), (400, 130), (845, 130), arrow=False),
            path((595, bottom), (595, low)),
            path((845, bottom), (845, low)),
            text(610, 123, "an attempt fails, or the link is lost", anchor="start"),
            text(588, 160, "a retry may help", anchor="end"),
            text(838, 156, "only you can repair it,", anchor="end"),
            text(838, 171, "or attempts are used up", anchor="end"),
            path((520, low + 20), (345, low + 20), (345, bottom)),
            text(432, low + 13, "after the wait"),
            path((845, low + height), (845, 260), (300, 260), (300, bottom)),
            text(570, 253, "connect, reconnect or a new token"),
            text(10, bottom + 20, "disconnect: from any state but CLOSED", anchor="start"),
            text(10, low + height + 20, "close: from any state", anchor="start"),
            text(465, 290, "reconnect: from any state but CLOSED to CONNECTING"),
            text(
                465, 308, "an access token that expires on the link: from CONNECTED to CONNECTING"
            ),
        ],
    )


def gap() -> str:
    """A server that is killed, and a program that follows it."""
    server, program = 70, 190
    rows = [
        text(10, server + 5, "server", "strong", "start"),
        text(10, program + 5, "your callbacks", "strong", "start"),
        path((125, server), (920, server)),
        path((125, program), (920, program)),
        area(390, 30, 290, 185),
        text(535, 24, "the gap: no event passes"),
    ]
    passed = [(150, "snapshot", "init"), (290, "a post is made", "create")]
    after = [(760, "snapshot, with both posts", "init, RESYNC"), (860, "an update", "update")]
    for x, there, here in passed + after:
        rows += [
            text(x - 20, server - 12 - 16 * (x == 760), there),
            path((x - 20, server), (x, program - 15), kind="good"),
            text(x, program + 25, here, ""),
        ]
    rows += [
        text(396, server + 22, "the link is lost", anchor="start"),
        text(535, server - 12, "a post is made"),
        path((535, server), (535, 120), arrow=False),
        text(535, 136, "not delivered"),
        text(674, server + 22, "it is back", anchor="end"),
        text(428, program + 25, "BACKOFF"),
        text(526, program + 25, "CONNECTING …"),
        text(634, program + 25, "CONNECTED"),
        text(465, program + 55, "The init with RESYNC comes before any other event."),
    ]
    return picture("A lost link, up to the RESYNC", 930, 260, rows)


def snapshot() -> str:
    """Why an exact snapshot is read after the server has registered the subscription."""
    rows = []
    for y, name, steps, end in (
        (60, "DRT_SNAPSHOT_SERVER", ("reads the snapshot", "registers"), "in neither: lost"),
        (180, "DRT_SNAPSHOT_EXACT", ("registers", "reads the snapshot"), "comes as an event,"),
    ):
        rows += [
            text(10, y - 4, name, "strong", "start"),
            path((190, y + 16), (900, y + 16)),
            box(230, y, 170, 32, "box", steps[0]),
            box(610, y, 170, 32, "box", steps[1]),
            text(505, y - 12, "a write here"),
            path((505, y - 6), (505, y + 14)),
            text(505, y + 38, end, "strong" if "lost" in end else "small"),
        ]
    rows += [
        area(402, 50, 206, 52),
        text(505, 235, "or is in the snapshot; what is in both is delivered once"),
        text(10, 75, "the server's own", anchor="start"),
        text(10, 195, "the default", anchor="start"),
    ]
    return picture("What a snapshot misses, before and after registration", 930, 250, rows)


PICTURES = {"states": states, "gap": gap, "snapshot": snapshot}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (HERE / f"{name}.svg").write_text(draw(), encoding="utf-8")
