"""What is measured, against which peer, and how good it has to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Has the peer of the Python package; that of the Node package is installed with it.
PYTHON = ROOT / "target" / "bench" / "venv" / "bin" / "python"

#: A line of the results: work, ours, peer, unit, ratio, target, and whether more is better.
Line = dict[str, Any]


@dataclass
class Side:
    """A client and the server that it runs against, as arguments of `benches/library`."""

    client: list[str]
    server: list[str]


@dataclass
class Ratio:
    """One number of one side over the same number of another."""

    title: str
    of: str
    to: str
    key: str
    unit: str
    target: float
    #: Whether `target` is the least that is wanted; else it is the most.
    at_least: bool = False
    #: What the number is divided by before it is shown.
    scale: float = 1.0

    def line(self, results: dict[str, dict[str, float]]) -> Line:
        ours, theirs = (results[side][self.key] / self.scale for side in (self.of, self.to))
        return {
            "work": self.title,
            "ours": ours,
            "peer": theirs,
            "unit": self.unit,
            "ratio": ours / theirs,
            "target": self.target,
            "at_least": self.at_least,
        }


@dataclass
class Limit:
    """A number that is compared with no peer."""

    title: str
    key: str
    unit: str
    target: float

    def line(self, results: dict[str, dict[str, float]]) -> Line:
        return {
            "work": self.title,
            "ours": results["ours"][self.key],
            "peer": None,
            "unit": self.unit,
            "ratio": None,
            "target": self.target,
            "at_least": False,
        }


@dataclass
class Work:
    """Sides that take turns, and what is made of their numbers."""

    name: str
    sides: dict[str, Side]
    shown: list[Ratio] | list[Limit] | list[Ratio | Limit]
    #: Files without which it cannot be measured.
    needs: list[Path] = field(default_factory=list)
    #: Whether there are several rounds: not where a number is the same each time.
    repeated: bool = True

    def missing(self) -> str:
        """The first of the needed files that is not there."""
        return next((f"{path} is not there" for path in self.needs if not path.exists()), "")

    def lines(self, results: dict[str, dict[str, float]]) -> list[Line]:
        return [shown.line(results) for shown in self.shown]


def rust(*arguments: str | int) -> list[str]:
    return ["PROGRAM", *map(str, arguments)]


#: Seconds of paced events, of which the first tenth is not measured.
PACED_SECONDS = 3


def paced(rate: int) -> Work:
    frames = rate * PACED_SECONDS
    serve = ["paced", "200", str(frames), str(rate)]
    sides = {
        "thread": Side(rust("ours", "paced", "URL", frames, "thread"), serve),
        "poll": Side(rust("ours", "paced", "URL", frames, "poll"), serve),
        "peer": Side(rust("peer", "paced", "URL", frames), serve),
    }
    shown = []
    for delivery, p50, p999, processor in (("thread", 1.25, 1.5, 1.5), ("poll", 1.4, 1.5, 1.7)):
        title = f"{rate:,} events/s, {delivery} delivery:"
        shown += [
            Ratio(f"{title} p50", delivery, "peer", "p50_us", "µs", p50),
            Ratio(f"{title} p99.9", delivery, "peer", "p999_us", "µs", p999),
            Ratio(
                f"{title} processor time",
                delivery,
                "peer",
                "cpu_us_per_event",
                "µs/event",
                processor,
            ),
        ]
    return Work(f"paced-{rate}", sides, shown)


def throughput(title: str, of: str, to: str, target: float) -> Ratio:
    return Ratio(title, of, to, "events_per_second", "k events/s", target, True, 1e3)


def flood(item: int, frames: int, most_events: float, least_time: float) -> Work:
    def side(who: str, subscriptions: int) -> Side:
        serve = ["flood", str(item), str(frames), str(subscriptions)]
        more = [subscriptions] if who == "ours" else []
        return Side(rust(who, "flood", "URL", frames, *more), serve)

    sides = {"ours": side("ours", 1), "peer": side("peer", 1)}
    title = f"flood, {item:,} B items:"
    shown = [
        throughput(f"{title} events", "ours", "peer", most_events),
        Ratio(
            f"{title} processor time",
            "ours",
            "peer",
            "cpu_seconds",
            "µs/event",
            least_time,
            scale=frames / 1e6,
        ),
    ]
    if item == 200:
        sides["many"] = side("ours", 10_000)
        shown.append(throughput("flood, 10,000 subscriptions ÷ 1: events", "many", "ours", 0.95))
    return Work(f"flood-{item}", sides, shown)


def binding(language: str, interpreter: str, script: str, peer: str, *targets: float) -> Work:
    frames = 200_000
    path = ROOT / "benches" / language.lower() / script
    serve = ["flood", "200", str(frames), "1"]

    def side(touch: str, who: str) -> Side:
        options = ["--url", "URL", "--frames", str(frames), f"--{touch}", f"--{who}"]
        return Side([interpreter, str(path), *options], serve)

    sides = {
        "parsed": side("touch", "no-peer"),
        "untouched": side("no-touch", "no-peer"),
        "peer": side("touch", "peer"),
    }
    titles = [
        f"{language}, data parsed ÷ {peer}: events",
        f"{language}, untouched ÷ {peer}: events",
    ]
    shown = [
        throughput(title, side, "peer", target)
        for title, side, target in zip(titles, ("parsed", "untouched"), targets)
    ]
    return Work(f"flood-{language.lower()}", sides, shown, needs=[path])


def back() -> Work:
    count = 1_000
    serve = ["drops", str(count)]
    sides = {who: Side(rust(who, "back", "URL", count), serve) for who in ("ours", "peer")}
    title = f"{count:,} exact subscriptions come back:"
    shown = [
        Ratio(f"{title} time", "ours", "peer", "seconds", "ms", 1.3, scale=1e-3),
        Ratio(f"{title} processor time", "ours", "peer", "cpu_seconds", "ms", 2.0, scale=1e-3),
    ]
    return Work("back", sides, shown)


def alone(name: str, title: str, key: str, unit: str, target: float, *arguments: int) -> Work:
    side = Side(rust("ours", name, "URL", *arguments), ["answers"])
    return Work(name, {"ours": side}, [Limit(title, key, unit, target)], repeated=False)


WORKS = [
    paced(100),
    paced(1_000),
    paced(10_000),
    flood(200, 3_000_000, 2.6, 0.6),
    flood(2_000, 600_000, 2.0, 0.9),
    binding("Python", str(PYTHON), "flood.py", "websockets + json", 3.0, 5.5),
    binding("Node", "node", "flood.mjs", "ws + JSON.parse", 2.2, 4.0),
    back(),
    alone("memory", "10,000 subscriptions", "bytes_per_subscription", "B each", 512, 10_000),
    alone("idle", "an idle client, 10 s between heartbeats", "wakes", "wake-ups", 0, 10),
]
