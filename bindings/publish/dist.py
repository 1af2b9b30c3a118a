"""Makes what is published, into target/dist/: `make dist` calls this.

The library is linked against an old glibc by Zig, so that it runs on any Linux of the last
ten years.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
OUT = TARGET / "dist"
BUILD = TARGET / "dist-build"
TOOLS = Path(sys.executable).parent
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)

TRIPLE = "x86_64-unknown-linux-gnu"
GLIBC = "2.17"
WHEEL = "manylinux_2_17_x86_64"
NPM = {"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]}
NPM_NAME = "directus-realtime-linux-x64-gnu"
DEBIAN = "amd64"
MULTIARCH = "x86_64-linux-gnu"


def run(*command, cwd=ROOT, **environment):
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, **environment}
    subprocess.run([str(part) for part in command], cwd=cwd, env=settings, check=True)


def build_library():
    target = f"{TRIPLE}.{GLIBC}"
    run("cargo", "zigbuild", "--release", "--locked", "--target", target, "--target-dir", BUILD)
    # Where install.sh looks for it.
    return BUILD / TRIPLE / "release" / "libdirectus_realtime.so"


def make_python(library):
    package = ROOT / "bindings" / "python"
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", OUT)
    run(*build, "--sdist", cwd=package)
    plat = f"-C=--build-option=--plat-name={WHEEL}"
    run(*build, "--wheel", plat, cwd=package, DIRECTUS_REALTIME_LIBRARY=str(library))
    (wheel,) = OUT.glob("*.whl")
    command = [TOOLS / "auditwheel", "show", wheel]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    if f'"{WHEEL}"' not in " ".join(answer.split()):
        raise SystemExit(f"{wheel.name} is not what its tag says: {answer}")


def make_npm(library):
    """A package without a library, and one for the platform, of which npm installs what fits."""
    source = ROOT / "bindings" / "node"
    stage = fresh("npm")
    native = stage / NPM_NAME
    native.mkdir()
    shutil.copyfile(library, native / library.name)
    described = {
        "name": NPM_NAME,
        "version": VERSION,
        "description": f"The native library of directus-realtime for {NPM_NAME[18:]}",
        "license": "MIT",
        **NPM,
        "files": [library.name],
        "preferUnplugged": True,
    }
    write_json(native / "package.json", described)
    main = stage / "directus-realtime"
    main.mkdir()
    for name in ("dist", "vue"):
        shutil.copytree(source / name, main / name)
    shutil.copyfile(source / "README.md", main / "README.md")
    described = json.loads((source / "package.json").read_text())
    for name in ("scripts", "devDependencies"):
        del described[name]
    described["optionalDependencies"] = {NPM_NAME: VERSION}
    write_json(main / "package.json", described)
    for folder in (native, main):
        shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
        run("npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", OUT, cwd=folder)


def install(stage, prefix, libdir):
    run(
        ROOT / "bindings" / "c" / "install.sh",
        BUILD=str(BUILD / TRIPLE),
        PREFIX=prefix,
        LIBDIR=libdir,
        DESTDIR=str(stage),
        LDCONFIG="true",
    )


def make_archive():
    """Headers and libraries that work wherever they are unpacked."""
    name = f"directus-realtime-{VERSION}-{TRIPLE}"
    stage = fresh("c")
    install(stage, f"/{name}", f"/{name}/lib")
    described = stage / name / "lib" / "pkgconfig" / "directus-realtime.pc"
    text = described.read_text()
    described.write_text(re.sub("^prefix=.*", "prefix=${pcfiledir}/../..", text, flags=re.M))
    shutil.copyfile(ROOT / "LICENSE", stage / name / "LICENSE")
    # The same bytes for the same sources.
    with (
        open(OUT / f"{name}.tar.gz", "wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in sorted((stage / name).rglob("*")):
            archive.add(path, path.relative_to(stage), recursive=False, filter=anonymous)


def anonymous(member):
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def make_debian():
    stage = fresh("debian")
    install(stage / "dev", "/usr", f"/usr/lib/{MULTIARCH}")
    libraries = Path("usr") / "lib" / MULTIARCH
    (stage / "library" / libraries).mkdir(parents=True)
    for path in (stage / "dev" / libraries).glob("*.so.*"):
        path.rename(stage / "library" / libraries / path.name)
    about = "live updates from a Directus server"
    debian(
        stage / "library",
        "libdirectus-realtime0",
        f"Section: libs\nDepends: libc6 (>= {GLIBC})\nDescription: {about}\n",
        "activate-noawait ldconfig\n",
    )
    debian(
        stage / "dev",
        "libdirectus-realtime-dev",
        f"Section: libdevel\nDepends: libdirectus-realtime0 (= {VERSION})\n"
        f"Description: {about} (development files)\n",
    )


def debian(root, package, fields, triggers=None):
    documents = root / "usr" / "share" / "doc" / package
    documents.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", documents / "copyright")
    folder = root / "DEBIAN"
    folder.mkdir()
    (folder / "control").write_text(
        f"Package: {package}\nVersion: {VERSION}\nArchitecture: {DEBIAN}\nMulti-Arch: same\n"
        f"Maintainer: the directus-realtime authors <noreply@invalid>\n{fields}"
    )
    if triggers:
        (folder / "triggers").write_text(triggers)
    name = OUT / f"{package}_{VERSION}_{DEBIAN}.deb"
    run("dpkg-deb", "--root-owner-group", "--build", root, name, SOURCE_DATE_EPOCH="0")


def write_sums():
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(OUT.iterdir())
    ]
    (OUT / "SHA256SUMS").write_text("".join(lines))
    sys.stdout.writelines(lines)


def fresh(name):
    folder = BUILD / "stage" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_json(path, value):
    path.write_text(json.dumps(value, indent=4) + "\n")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    library = build_library()
    make_archive()
    make_debian()
    make_npm(library)
    make_python(library)
    write_sums()


if __name__ == "__main__":
    main()
