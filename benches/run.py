"""Measures what the library costs beside peers in the same run; benches/README.md says how.

    make bench                          everything, and writes RESULTS.md
    make bench-live                     live collections, and writes LIVE.md
    python3 benches/run.py back memory  some works, printed only

BENCH_REPEATS: rounds of each work (5).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

import conditions
import plot
import report
from live_works import LIVE_WORKS
from processes import measured, program, server
from works import WORKS, Work

HERE = Path(__file__).parent
REPEATS = int(os.environ.get("BENCH_REPEATS", "5"))


def rounds(work: Work) -> dict[str, dict[str, float]]:
    """The medians of what each side of a work prints. In each round every side has its turn, and
    the next round begins with another one."""
    sides = work.sides
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for round_ in range(REPEATS if work.repeated else 1):
        names = list(sides)
        first = round_ % len(names)
        for name in names[first:] + names[:first]:
            with server(sides[name].server) as served:
                result = measured(sides[name].client, served.url)
                seen[name].append(result | served.result())
    return {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for name, runs in seen.items()
    }


def main() -> None:
    is_live = "--live" in sys.argv
    names = [word for word in sys.argv[1:] if word != "--live"]
    chosen = [work for work in WORKS + LIVE_WORKS if work.name in names]
    unknown = set(names) - {work.name for work in chosen}
    if unknown:
        every = (work.name for work in WORKS + LIVE_WORKS)
        sys.exit(f"there is no work {unknown}: {', '.join(every)}")
    program()
    lines = []
    begin = time.monotonic()
    for work in chosen or (LIVE_WORKS if is_live else WORKS):
        if missing := work.missing():
            print(f"{work.name} is skipped: {missing}", flush=True)
            continue
        results = rounds(work)
        for line in work.lines(results):
            lines.append(line)
            print(report.plain(line), flush=True)
    if chosen:
        return
    seconds = round(time.monotonic() - begin)
    results = {"conditions": conditions.now(REPEATS, seconds), "lines": lines}
    if is_live:
        (HERE / "LIVE.md").write_text(report.page(report.LIVE_HEAD, results))
        return
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "RESULTS.md").write_text(report.page(report.HEAD, results))
    (HERE / "results.svg").write_text(plot.drawing(lines))


if __name__ == "__main__":
    main()
