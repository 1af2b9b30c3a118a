"""Builds tomorrow's library: this one, with a new member at the end of every struct."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("Cargo.toml", "Cargo.lock", "build.rs", "cbindgen.toml", "src")

MEMBER = "    /// A member of a later version.\n    pub tomorrow: u64,\n"

# Each place must occur once; otherwise the test fails and these need an update.
CHANGES = {
    "options.rs": [
        ("    pub send_queue_bytes: u64,\n}", MEMBER),
        ("    pub settle_ms: u32,\n}", MEMBER),
        (
            "    snapshot: drt_snapshot,\n    settle_ms: u32,\n}",
            "    tomorrow: u64,\n",
        ),
    ],
    "events.rs": [
        ("    pub count: u32,\n}", MEMBER),
        ("            count: event.count,\n        }", "            tomorrow: 7,\n"),
    ],
    "subscription.rs": [
        ("    pub last_sequence: u64,\n}", MEMBER),
        ("        last_sequence: seen.last_sequence,\n    }", "tomorrow: 7,\n"),
    ],
    "last_error.rs": [
        ("    pub server_error_len: usize,\n}", MEMBER),
        ("            server_error_len: json.map_or(0, str::len),\n        }", "tomorrow: 7,\n"),
    ],
    "stats.rs": [
        ("    pub last_rtt_us: u64,\n}", MEMBER),
        ("            last_rtt_us: stats.last_rtt_us,\n        }", "            tomorrow: 7,\n"),
    ],
}

STRUCTS = (
    "drt_client_options",
    "drt_subscription_options",
    "drt_stats",
    "drt_event",
    "drt_subscription_info",
    "drt_error_info",
)


def append(text, place, member):
    """Inserts a member before the last line of the place."""
    if text.count(place) != 1:
        raise AssertionError(f"{place!r} occurs {text.count(place)} times: update {__file__}")
    head, bracket = place.rsplit("\n", 1)
    return text.replace(place, f"{head}\n{member}{bracket}")


def build(folder):
    """Builds tomorrow's library from a changed copy of the source; returns its path.

    Its dependencies are compiled once, below `folder`.
    """
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    manifest = (source / "Cargo.toml").read_text()
    # The copy has no tests and no benchmarks.
    manifest = re.sub(r"\[\[(test|bench)\]\]\n(?:[^\[\n].*\n)*", "", manifest)
    (source / "Cargo.toml").write_text(manifest)
    for name, changes in CHANGES.items():
        path = source / "src" / "ffi" / name
        text = path.read_text()
        for place, member in changes:
            text = append(text, place, member)
        path.write_text(text)
    cargo = os.environ.get("CARGO", "cargo")
    command = [cargo, "build", "--quiet", "--locked", "--lib", "--target-dir", folder / "target"]
    subprocess.run(command, cwd=source, check=True)
    return folder / "target" / "debug" / "libdirectus_realtime.so"


def header():
    """Tomorrow's header."""
    text = (ROOT / "include" / "directus_realtime.h").read_text()
    for name in STRUCTS:
        text, found = re.subn(rf"\n}} {name};", f"\n    uint64_t tomorrow;\n}} {name};", text)
        if found != 1:
            raise AssertionError(f"{name} occurs {found} times")
    # Initialisers need no change: members that they do not name are zero.
    return text.replace(
        "#define DRT_ABI_VERSION", "#define DRT_TOMORROW 1\n#define DRT_ABI_VERSION", 1
    )
