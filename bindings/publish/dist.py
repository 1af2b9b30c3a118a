"""Makes what is published, into target/dist/: `make dist` calls this with the names of
platforms, or with `all`, or `available` for those that the Rust toolchain can build for."""

import hashlib
import shutil
import sys

from c_packages import make_archive, make_debian
from common import OUT
from library import build_library, is_available
from npm_packages import make_main_package, make_platform_package
from platforms import PLATFORMS
from python_packages import make_sdist, make_wheel
from sbom import make_sbom


def chosen(names):
    if names == ["all"]:
        return list(PLATFORMS.values())
    if names == ["available"]:
        found = [target for target in PLATFORMS.values() if is_available(target)]
        for target in PLATFORMS.values():
            if target not in found:
                print(f"make dist: {target.name} is left out: no Rust for it", file=sys.stderr)
        return found
    unknown = sorted(set(names) - set(PLATFORMS))
    if unknown or not names:
        raise SystemExit(f"make dist: PLATFORMS is all, available, or some of {[*PLATFORMS]}")
    return [PLATFORMS[name] for name in names]


def write_sums():
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(OUT.iterdir())
    ]
    (OUT / "SHA256SUMS").write_text("".join(lines))
    sys.stdout.writelines(lines)


def main():
    targets = chosen(sys.argv[1:])
    libraries = {target: build_library(target) for target in targets}
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for target, library in libraries.items():
        make_archive(target)
        if target.libc == "gnu":
            make_debian(target)
        make_platform_package(target, library)
        make_wheel(target, library)
    make_main_package()
    make_sdist()
    make_sbom(targets)
    write_sums()


if __name__ == "__main__":
    main()
