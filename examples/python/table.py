"""A table of any collection in the terminal, on asyncio, without a package besides.

    DIRECTUS_TOKEN=… python table.py http://localhost:8055 posts id,title,author.name authors

The rows are the server's, in its order. The collections named last are those of relations, whose
changes may change rows. Ends by Ctrl-C. `python -m directus_realtime watch` does the same with more
care for the terminal.
"""

import asyncio
import contextlib
import os
import shutil
import sys

from directus_realtime import DirectusRealtimeError
from directus_realtime.aio import Client, Live

ERASE = "\x1b[H\x1b[2J"


def value_of(row: dict, path: str) -> str:
    value: object = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    text = "" if value is None else str(value)
    # The terminal must not obey control characters in a row.
    return "".join(each if each.isprintable() else " " for each in text)


def draw(live: Live, fields: list[str]) -> None:
    size = shutil.get_terminal_size()
    rows = live[: size.lines - 3]
    columns = [[field, *(value_of(row, field) for row in rows)] for field in fields]
    widths = [max(map(len, column)) for column in columns]
    print(ERASE if sys.stdout.isatty() else "", end="")
    print(f"{live.collection}: {len(live)} rows, {live.status}")
    for cells in zip(*columns):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths))
        print(line[: size.columns].rstrip())
    sys.stdout.flush()


async def main() -> None:
    if len(sys.argv) < 4:
        sys.exit("usage: DIRECTUS_TOKEN=... table.py URL COLLECTION FIELD,... [COLLECTION ...]")
    url, collection, fields, *others = sys.argv[1:]
    async with Client(url, access_token=os.environ.get("DIRECTUS_TOKEN")) as client:
        live = client.live(collection, query={"fields": fields.split(",")}, depends_on=others)
        async for _ in live:
            draw(live, fields.split(","))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(main())
        except DirectusRealtimeError as error:
            sys.exit(f"error: {error}")
