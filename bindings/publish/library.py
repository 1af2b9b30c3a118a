"""Builds the library for a platform, with Zig as the linker and compiler: it has every C
library in every version, so no other machine is needed."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from common import BUILD, ROOT, output, run

FILE = "libdirectus_realtime.so"
# GNU binutils, which make the static library.
BINUTILS = {"LD": "ld.bfd", "OBJCOPY": "objcopy", "AR": "ar", "READELF": "readelf"}


def is_available(target):
    """Whether the toolchain has, or can get, Rust's standard library for a platform."""
    folder = Path(output("rustc", "--print", "target-libdir", "--target", target.triple).strip())
    if folder.is_dir():
        return True
    if shutil.which("rustup") is None:
        return False
    added = subprocess.run(["rustup", "--quiet", "target", "add", target.triple], check=False)
    return added.returncode == 0 and folder.is_dir()


def build_library(target):
    """Returns the shared library; the static one lies beside it."""
    if not is_available(target):
        raise SystemExit(
            f"make dist: the Rust toolchain has no standard library for {target.triple}; leave"
            f" {target.name} out by PLATFORMS=…, or build what can be built by PLATFORMS=available"
        )
    flags = f"CARGO_TARGET_{target.triple.upper().replace('-', '_')}_RUSTFLAGS"
    build = ("cargo", "zigbuild", "--release", "--locked", "--lib", "--target-dir", BUILD)
    run(*build, "--target", target.zig_target, **{flags: " ".join(rust_flags(target))})
    return BUILD / target.triple / "release" / FILE


def rust_flags(target):
    """Panics name files: here by the same paths on every machine, as Rust's own are."""
    cargo = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    flags = [
        f"--remap-path-prefix={cargo}=/cargo",
        f"--remap-path-prefix={ROOT}=/directus-realtime",
    ]
    # By default Rust links musl statically, and so makes no shared libraries.
    return [*flags, "-Ctarget-feature=-crt-static"] if target.libc == "musl" else flags


def binutils(target):
    """The variables that name the tools for a platform's object files."""
    prefix = f"{target.machine}-linux-gnu-"
    tools = {name: shutil.which(prefix + tool) for name, tool in BINUTILS.items()}
    if all(tools.values()):
        return tools
    if platform.machine() == target.machine:
        return {}
    raise SystemExit(
        f"make dist: {target.name} needs GNU binutils for {target.machine}"
        f" (Debian: binutils-{target.machine.replace('_', '-')}-linux-gnu)"
    )
