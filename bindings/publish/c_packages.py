"""Packages for C and C++: an archive that works wherever it is unpacked, and Debian packages."""

import gzip
import re
import shutil
import tarfile
from pathlib import Path

from common import BUILD, OUT, ROOT, VERSION, fresh, run
from library import binutils
from platforms import GLIBC

LICENSE = ROOT / "LICENSE"
ABOUT = "live updates from a Directus server"
SONAME = "libdirectus_realtime.so.0"


def make_archive(target):
    name = f"directus-realtime-{VERSION}-{target.name}"
    stage = fresh(target.name, "archive")
    install(target, stage, f"/{name}", f"/{name}/lib")
    described = stage / name / "lib" / "pkgconfig" / "directus-realtime.pc"
    text = described.read_text()
    described.write_text(re.sub("^prefix=.*", "prefix=${pcfiledir}/../..", text, flags=re.M))
    shutil.copyfile(LICENSE, stage / name / "LICENSE")
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


def install(target, stage, prefix, libdir):
    """What `make install` installs, of the library that was built for a platform."""
    run(
        ROOT / "bindings" / "c" / "install.sh",
        BUILD=str(BUILD / target.triple),
        PREFIX=prefix,
        LIBDIR=libdir,
        DESTDIR=str(stage),
        LDCONFIG="true",
        **binutils(target),
    )


def make_debian(target):
    stage = fresh(target.name, "debian")
    install(target, stage / "dev", "/usr", f"/usr/lib/{target.multiarch}")
    libraries = Path("usr") / "lib" / target.multiarch
    (stage / "library" / libraries).mkdir(parents=True)
    for path in (stage / "dev" / libraries).glob("*.so.*"):
        path.rename(stage / "library" / libraries / path.name)
    library = "libdirectus-realtime0"
    name, number = SONAME.split(".so.")
    scripts = {
        "triggers": "activate-noawait ldconfig\n",
        # By which other packages find out that they depend on this one.
        "shlibs": f"{name} {number} {library} (>= {VERSION})\n",
    }
    fields = {
        "Section": "libs",
        "Depends": f"libc6 (>= {GLIBC})",
        # The certificates that servers are checked against.
        "Recommends": "ca-certificates",
        "Description": ABOUT,
    }
    debian(target, stage / "library", library, fields, scripts)
    fields = {
        "Section": "libdevel",
        "Depends": f"{library} (= {VERSION})",
        "Description": f"{ABOUT} (development files)",
    }
    debian(target, stage / "dev", "libdirectus-realtime-dev", fields, {})


def debian(target, root, package, fields, scripts):
    documents = root / "usr" / "share" / "doc" / package
    documents.mkdir(parents=True)
    shutil.copyfile(LICENSE, documents / "copyright")
    folder = root / "DEBIAN"
    folder.mkdir()
    described = {
        "Package": package,
        "Version": VERSION,
        "Architecture": target.debian,
        "Multi-Arch": "same",
        "Maintainer": "the directus-realtime authors <noreply@invalid>",
        **fields,
    }
    control = "".join(f"{name}: {value}\n" for name, value in described.items())
    (folder / "control").write_text(control)
    for name, text in scripts.items():
        (folder / name).write_text(text)
    file = OUT / f"{package}_{VERSION}_{target.debian}.deb"
    # Not zstd, which Debian 11 cannot unpack.
    build = ("dpkg-deb", "-Zxz", "--root-owner-group", "--build", root, file)
    run(*build, SOURCE_DATE_EPOCH="0")
