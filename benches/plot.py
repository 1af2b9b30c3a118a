"""Draws each ratio beside its target: `python3 benches/plot.py` draws results.json anew."""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path
from typing import Any

from report import is_reached, target

HERE = Path(__file__).parent
ROW, LEFT, WIDTH, RIGHT, TOP = 22, 360, 420, 130, 52
#: The axis is logarithmic: twice as much is as far to the right as half is to the left.
TICKS = (0.25, 0.5, 1, 2, 4, 8)
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.tick{fill:#777;font-size:11px}"
    ".grid{stroke:#ddd}.one{stroke:#777}.good{fill:#3b8f5a}.bad{fill:#d08a2e}"
    ".target{stroke:#222;stroke-width:2}.back{fill:#fff}"
)


def place(ratio: float) -> float:
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])
    part = (math.log(ratio) - low) / (high - low)
    return LEFT + WIDTH * min(max(part, 0.0), 1.0)


def row(line: dict[str, Any], top: float) -> str:
    """A bar from 1, the peer, to the ratio, and a mark where the target is."""
    one, ratio, goal = place(1), place(line["ratio"]), place(line["target"])
    colour = "good" if is_reached(line) else "bad"
    middle = top + ROW / 2 + 4
    return (
        f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{escape(line["work"])}</text>'
        f'<rect class="{colour}" x="{min(one, ratio):.1f}" y="{top + 4}" '
        f'width="{max(abs(ratio - one), 1):.1f}" height="{ROW - 8}"/>'
        f'<line class="target" x1="{goal:.1f}" x2="{goal:.1f}" '
        f'y1="{top + 1}" y2="{top + ROW - 1}"/>'
        f'<text x="{LEFT + WIDTH + 12}" y="{middle}">{line["ratio"]:.2f} ({target(line)})</text>\n'
    )


def drawing(lines: list[dict[str, Any]]) -> str:
    """The SVG."""
    lines = [line for line in lines if line["ratio"] is not None]
    width, height = LEFT + WIDTH + RIGHT, TOP + ROW * len(lines) + 12
    grid = "".join(
        f'<line class="{"one" if tick == 1 else "grid"}" x1="{place(tick):.1f}" '
        f'x2="{place(tick):.1f}" y1="{TOP - 4}" y2="{height - 8}"/>'
        f'<text class="tick" text-anchor="middle" '
        f'x="{place(tick):.1f}" y="{TOP - 10}">{tick}</text>'
        for tick in TICKS
    )
    rows = "".join(row(line, TOP + ROW * n) for n, line in enumerate(lines))
    title = "ours ÷ peer; the black marks are the targets (≤: less is better, ≥: more is better)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n<style>{STYLE}</style>\n'
        f'<rect class="back" width="{width}" height="{height}"/>\n'
        f'<text x="12" y="20">{escape(title)}</text>\n{grid}\n{rows}</svg>\n'
    )


if __name__ == "__main__":
    lines = json.loads((HERE / "results.json").read_text())["lines"]
    (HERE / "results.svg").write_text(drawing(lines))
