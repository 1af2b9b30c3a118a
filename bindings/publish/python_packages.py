"""Python's packages: a wheel for each platform, and the sources."""

import re
import sys

from common import OUT, ROOT, TOOLS, VERSION, output, run

PACKAGE = ROOT / "bindings" / "python"
BUILD = (sys.executable, "-m", "build", "--no-isolation", "--outdir", OUT)


def make_wheel(target, library):
    tags = ".".join(target.wheel_tags)
    settings = {"DIRECTUS_REALTIME_CARRY": str(library), "DIRECTUS_REALTIME_TAG": tags}
    run(*BUILD, "--wheel", cwd=PACKAGE, **settings)
    wheel = OUT / f"directus_realtime-{VERSION}-py3-none-{tags}.whl"
    check = check_musl if target.libc == "musl" else check_glibc
    check(target, wheel, library)


def check_glibc(target, wheel, library):
    """What the index checks as well."""
    found = " ".join(output(TOOLS / "auditwheel", "show", wheel).split())
    if f'"{target.wheel_tags[0]}"' not in found:
        raise SystemExit(f"{wheel.name} is not what its tag says: {found}")


def check_musl(target, wheel, library):
    """auditwheel would look at this machine's libc.so, which is not musl's."""
    dynamic = output("readelf", "-dVW", library)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    if needed != ["libc.so"] or "GLIBC_" in dynamic:
        raise SystemExit(f"{wheel.name} needs more than musl: {dynamic}")


def make_sdist():
    run(*BUILD, "--sdist", cwd=PACKAGE)
