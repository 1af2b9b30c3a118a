"""The results as a page, and a line of them as text."""

from __future__ import annotations

from typing import Any

HEAD = """# What it costs

Written by `make bench`; [README.md](README.md) says how it is measured. Every ratio is to a
peer in the same run. ✓: the target is reached.

![Each ratio beside its target](results.svg)

"""

LIVE_HEAD = """# What live collections cost

Written by `make bench-live`; [README.md](README.md) says how it is measured. ✓: the target is
reached.

"""


def number(value: float) -> str:
    """Three digits, or all before the point."""
    if value == 0:
        return "0"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def is_reached(line: dict[str, Any]) -> bool:
    value = line["ours"] if line["ratio"] is None else line["ratio"]
    return bool(value >= line["target"] if line["at_least"] else value <= line["target"])


def target(line: dict[str, Any]) -> str:
    return f"{'≥' if line['at_least'] else '≤'} {line['target']:g}"


def cells(line: dict[str, Any]) -> list[str]:
    has_peer = line["peer"] is not None
    return [
        line["work"],
        f"{number(line['ours'])} {line['unit']}",
        f"{number(line['peer'])} {line['unit']}" if has_peer else "–",
        f"{line['ratio']:.2f}" if has_peer else "–",
        target(line) + (" ✓" if is_reached(line) else ""),
    ]


def plain(line: dict[str, Any]) -> str:
    work, *rest = cells(line)
    return f"{work:<55}" + "".join(f"{cell:>20}" for cell in rest)


def page(head: str, results: dict[str, Any]) -> str:
    """RESULTS.md or LIVE.md."""
    rows = [["work", "ours", "peer", "ratio", "target"], ["---", "--:", "--:", "--:", "--:"]]
    rows += map(cells, results["lines"])
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    conditions = "".join(f"- {name}: {said}\n" for name, said in results["conditions"].items())
    return f"{head}{table}\n{conditions}"
