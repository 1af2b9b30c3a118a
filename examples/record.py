"""Makes docs/demo.svg: the output of the demo in a terminal, line by line.

    make recording

Runs the demo in a terminal of its own and draws what it prints. Where a viewer does
not animate the picture, it shows the whole.
"""

import os
import pty
import re
import sys
import time
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "demo.svg"

CHARACTER, LINE, MARGIN, BAR, ROWS = 8.0, 19, 20, 36, 26
# Longer pauses are shortened to this many seconds.
LONGEST_PAUSE = 1.5
COLOURS = {"1": "#ffffff", "32": "#8ccf7e", "33": "#e5c76b", "36": "#6cbfd5"}
PLAIN, BACKGROUND = "#b8c4ce", "#141b1e"
# The port changes with each run; the picture shows always the same.
CHANGING = (r"127\.0\.0\.1:\d+", "127.0.0.1:8055")

STYLE = """
    text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
           white-space: pre }
    .line { animation: appear 0.15s both }
    @keyframes appear { from { opacity: 0 } }
"""


def run(command):
    """The lines that a command prints to a terminal, each with its time in seconds."""
    lines, rest, began = [], b"", time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        *whole, rest = (rest + chunk).split(b"\n")
        now = time.monotonic() - began
        lines += [(now, line.decode().rstrip("\r")) for line in whole]
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n" + "\n".join(text for _, text in lines))
    return lines


def without_pauses(lines):
    """The same lines, with the times at which the picture shows them."""
    shown, before, at = [], 0.0, 1.0
    for when, text in lines:
        at += min(when - before, LONGEST_PAUSE)
        before = when
        shown.append((at, text))
    return shown


def spans(text):
    """The parts of a line, each with its colour."""
    colour = PLAIN
    for part in re.split(r"(\033\[\d*m)", text):
        code = re.fullmatch(r"\033\[(\d*)m", part)
        if code:
            colour = COLOURS.get(code.group(1), PLAIN)
        elif part:
            yield part, colour


def draw_line(at, row, text):
    y, column, parts = BAR + LINE + row * LINE, 0, []
    for part, colour in spans(text):
        x, width = MARGIN + column * CHARACTER, len(part) * CHARACTER
        parts.append(
            f'<text x="{x:g}" y="{y}" textLength="{width:g}" style="fill:{colour}">'
            f"{escape(part)}</text>"
        )
        column += len(part)
    return f'<g class="line" style="animation-delay:{at:.2f}s">{"".join(parts)}</g>'


def scroll(lines):
    """The style rules that move the lines up, and their final position."""
    duration = lines[-1][0]
    steps = [
        f"{100 * at / duration:.2f}% {{ transform: translateY({-LINE * up}px) }}"
        for up, (at, _) in enumerate(lines[ROWS:], 1)
    ]
    end = -LINE * max(len(lines) - ROWS, 0)
    return f"""
    .screen {{ transform: translateY({end}px); animation: scroll {duration:.2f}s step-end }}
    @keyframes scroll {{ 0% {{ transform: none }} {" ".join(steps)} }}
"""


def draw(lines):
    plain = [re.sub(r"\033\[\d*m", "", text) for _, text in lines]
    width = 2 * MARGIN + max(map(len, plain)) * CHARACTER
    height = BAR + LINE + ROWS * LINE
    dots = "".join(
        f'<circle cx="{MARGIN + 20 * n}" cy="18" r="6" fill="{colour}"/>'
        for n, colour in enumerate(("#e57474", "#e5c76b", "#8ccf7e"))
    )
    drawn = "\n".join(draw_line(at, row, text) for row, (at, text) in enumerate(lines))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}">
<title>make demo: programs in C, Node and Python follow a real Directus server</title>
<style>{STYLE}{scroll(lines)}</style>
<clipPath id="screen"><rect y="{BAR + 5}" width="100%" height="{height - BAR - LINE}"/></clipPath>
<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>
{dots}
<g clip-path="url(#screen)"><g class="screen">
{drawn}
</g></g>
</svg>
"""


def main():
    printed = run([sys.executable, str(ROOT / "examples" / "demo.py")])
    lines = [(0.2, "\033[1m$ make demo\033[0m"), *without_pauses(printed)]
    while not lines[-1][1]:
        lines.pop()
    PICTURE.write_text(
        draw([(at, re.sub(*CHANGING, text)) for at, text in lines]), encoding="utf-8"
    )
    print(f"{PICTURE.relative_to(ROOT)}: {len(lines)} lines")


if __name__ == "__main__":
    main()
