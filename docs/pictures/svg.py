"""The shapes that the pictures are made of."""

from __future__ import annotations

from html import escape

# Pages show pictures on their own background, so each follows the reader's colour scheme.
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.small{font-size:12px;fill:#57606a}"
    ".strong{font-weight:600}.box{fill:#ddf4ff;stroke:#0969da}.wait{fill:#fff8c5;stroke:#9a6700}"
    ".end{fill:#ffebe9;stroke:#cf222e}.rest{fill:#eaeef2;stroke:#57606a}.gap{fill:#cf222e;"
    "fill-opacity:.12}.line{stroke:#57606a;fill:none}.good{stroke:#1a7f37;fill:none;"
    "stroke-width:2}.head{fill:#57606a}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9da7b1}"
    ".box{fill:#0c2d6b;stroke:#58a6ff}.wait{fill:#4b3600;stroke:#d29922}"
    ".end{fill:#5d0f12;stroke:#ff7b72}.rest{fill:#21262d;stroke:#8b949e}"
    ".line{stroke:#8b949e}.good{stroke:#3fb950}.head{fill:#8b949e}.gap{fill-opacity:.25}}"
)
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
    'markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
)


def text(x: float, y: float, words: str, kind: str = "small", anchor: str = "middle") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str, *lines: str) -> str:
    """A box with its lines in the middle."""
    top = y + height / 2 + 4.5 - 8 * (len(lines) - 1)
    words = "".join(text(x + width / 2, top + 16 * n, line, "") for n, line in enumerate(lines))
    shape = f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'
    return shape + words


def area(x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="gap" x="{x}" y="{y}" width="{width}" height="{height}"/>'


def path(*points: tuple[float, float], arrow: bool = True, kind: str = "line") -> str:
    way = "L".join(f"{x} {y}" for x, y in points)
    end = ' marker-end="url(#arrow)"' if arrow else ""
    return f'<path class="{kind}" d="M{way}"{end}/>'


def picture(title: str, width: int, height: int, parts: list[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n{ARROW}\n{body}\n</svg>\n"
    )
