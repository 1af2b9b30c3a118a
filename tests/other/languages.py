"""The programs of examples/other, and what each needs: Debian's packages, by tests/deps.sh."""

import glob
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "directus"))

from paths import build_dir, digest  # noqa: E402

SOURCES = ROOT / "examples" / "other"
LIBRARY = build_dir() / "release"
OUT = ROOT / "target" / "other"
JARS = ["/usr/share/java/jna.jar", "/usr/share/java/gson.jar"]
ENVIRONMENT = {
    **os.environ,
    "LC_ALL": "C.UTF-8",
    "LD_LIBRARY_PATH": str(LIBRARY),
    "CGO_CFLAGS": f"-I{ROOT / 'include'}",
    "CGO_LDFLAGS": f"-L{LIBRARY}",
    "GOCACHE": str(OUT / "go"),
    "GOFLAGS": "-mod=mod",
    "GO111MODULE": "off",
}


@dataclass
class Language:
    name: str
    source: str
    #: Programs in PATH, and files, whose names may have wildcards.
    needs: list
    #: What runs it; {out} is the folder in which the compiler has left the program.
    command: list
    compilers: tuple = ()
    #: Its exit status after Ctrl-C.
    interrupted: int = 0

    @property
    def file(self):
        return SOURCES / self.source

    def missing(self):
        """The first thing that this machine does not have, if there is one."""
        for need in self.needs:
            if not (shutil.which(need) or glob.glob(need)):
                return need
        return None

    def ready(self):
        """The command that runs it, compiled unless that has been done before."""
        made = OUT / f"{self.name}-{digest(self.file, *(ROOT / 'include').glob('*.h'))}"
        if self.compilers and not made.exists():
            for old in OUT.glob(f"{self.name}-*"):
                shutil.rmtree(old)
            work = OUT / f"{self.name}.{os.getpid()}"
            work.mkdir(parents=True)
            for compiler in self.compilers:
                self.compile(self.words(compiler, work))
            work.rename(made)
        return self.words(self.command, made)

    def words(self, command, out):
        return [word.format(out=out, source=self.file) for word in command]

    def compile(self, command):
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


GO = Language(
    "Go",
    "follow.go",
    ["go", "cc"],
    ["{out}/follow"],
    (["go", "vet", "{source}"], ["go", "build", "-o", "{out}/follow", "{source}"]),
)
JAVA = Language(
    "Java",
    "Follow.java",
    ["javac", "java", *JARS],
    ["java", "-cp", ":".join([*JARS, "{out}"]), "Follow"],
    (["javac", "-Xlint:all", "-Werror", "-cp", ":".join(JARS), "-d", "{out}", "{source}"],),
    interrupted=130,
)
CSHARP = Language(
    "C#",
    "Follow.cs",
    ["mcs", "mono", "/usr/lib/mono/4.5/System.Json.dll"],
    ["mono", "{out}/Follow.exe"],
    (["mcs", "-warnaserror", "-r:System.Json.dll", "-out:{out}/Follow.exe", "{source}"],),
)
RUBY = Language("Ruby", "follow.rb", ["ruby"], ["ruby", "-W", "{source}"])
LUAJIT = Language(
    "LuaJIT",
    "follow.lua",
    ["luajit", "/usr/lib/*/lua/5.1/cjson.so"],
    ["luajit", "{source}"],
)
PHP = Language("PHP", "follow.php", ["php", "/usr/lib/php/*/ffi.so"], ["php", "{source}"])
PERL = Language(
    "Perl",
    "follow.pl",
    ["perl", "/usr/lib/*/perl5/*/FFI/Platypus.pm"],
    ["/usr/bin/perl", "-w", "{source}"],
)
ALL = (GO, JAVA, CSHARP, RUBY, LUAJIT, PHP, PERL)
