"""What is measured of live collections: `make bench-live`."""

from __future__ import annotations

from works import PYTHON, ROOT, Limit, Ratio, Side, Work, rust

#: Rows of so many bytes each.
ROWS = 100_000
ITEM = 200
COLLECTIONS = 1_000
SERVE = ["rows", str(ROWS), str(ITEM)]


def opening() -> Work:
    sides = {
        "ours": Side(rust("ours", "live-open", "URL", ROWS), SERVE),
        "raw": Side(rust("peer", "live-open", "URL", "raw"), SERVE),
        "value": Side(rust("peer", "live-open", "URL", "value"), SERVE),
    }
    shown = []
    for peer, name, target in (("raw", "Vec<Box<RawValue>>", 1.5), ("value", "Vec<Value>", 1.5)):
        title = f"{ROWS:,} rows opened ÷ read and parsed to {name}:"
        shown += [
            Ratio(f"{title} time", "ours", peer, "seconds", "ms", target, scale=1e-3),
            Ratio(f"{title} processor time", "ours", peer, "cpu_seconds", "ms", target, scale=1e-3),
        ]
    return Work("live-open", sides, shown)


def alone(name: str, serve: list[str], count: int, shown: list[Limit]) -> Work:
    side = Side(rust("ours", name, "URL", count), serve)
    return Work(name, {"ours": side}, shown, repeated=False)


def memory() -> Work:
    title = f"memory of {ROWS:,} rows ÷ their JSON:"
    shown = [
        Limit(f"{title} allocated", "allocated", "×", 1.5),
        Limit(f"{title} resident", "resident", "×", 1.5),
    ]
    return alone("live-memory", SERVE, ROWS, shown)


def change() -> Work:
    kinds = {
        "insert": "inserted, by an event",
        "modify": "modified, by an event",
        "remove": "removed, by an event",
        "insert_read": "inserted, by a read",
        "modify_read": "modified, by a read",
        "remove_read": "removed, by a read",
    }
    shown = [
        Limit(f"one row {words}, at the {place}", f"{kind}_{place}", "µs", 20)
        for kind, words in kinds.items()
        for place in ("front", "middle", "end")
    ]
    # It needs no server.
    return alone("live-change", ["answers"], ROWS, shown)


def burst() -> Work:
    title = "400 rows modified at once, and again by a read"
    return alone("live-burst", SERVE, ROWS, [Limit(title, "cpu_us_per_change", "µs each", 20)])


def gap() -> Work:
    sides = {
        "ours": Side(rust("ours", "live-gap", "URL", ROWS), SERVE),
        "raw": Side(rust("peer", "live-open", "URL", "raw"), SERVE),
    }
    title = "a gap without changes:"
    shown: list[Ratio | Limit] = [
        Limit(f"{title} reads", "reads", "", 1),
        Limit(f"{title} changes that are told", "told", "", 0),
        Ratio(f"{title} time", "ours", "raw", "seconds", "ms", 1.5, scale=1e-3),
        Ratio(f"{title} processor time", "ours", "raw", "cpu_seconds", "ms", 1.5, scale=1e-3),
    ]
    return Work("live-gap", sides, shown)


def many() -> Work:
    title = f"{COLLECTIONS:,} live collections:"
    shown = [
        Limit(f"{title} memory beside one row", "bytes", "B each", 4_096),
        Limit(f"{title} opened", "seconds", "s", 1),
        Limit(f"{title} processor time to open", "cpu_seconds", "s", 0.5),
        Limit(
            f"{title} reads in 5 s of changes, of the one that is read most", "most_reads", "", 10
        ),
    ]
    return alone("live-many", ["rows", "1", str(ITEM)], COLLECTIONS, shown)


def binding(language: str, interpreter: str, script: str, peer: str) -> Work:
    path = ROOT / "benches" / language.lower() / script

    def side(who: str) -> Side:
        options = ["--url", "URL", "--rows", str(ROWS), f"--{who}"]
        return Side([interpreter, str(path), *options], SERVE)

    title = f"{language} ÷ {peer}:"
    shown = [
        Ratio(f"{title} rows are there", "ours", "peer", "opened", "ms", 1.5, scale=1e-3),
        Ratio(f"{title} all were looked at", "ours", "peer", "iterated", "ms", 1.5, scale=1e-3),
    ]
    sides = {"ours": side("no-peer"), "peer": side("peer")}
    return Work(f"live-{language.lower()}", sides, shown, needs=[path])


LIVE_WORKS = [
    opening(),
    memory(),
    change(),
    burst(),
    gap(),
    many(),
    binding("Python", str(PYTHON), "rows.py", "websockets + json"),
    binding("Node", "node", "rows.mjs", "ws + JSON.parse"),
]
