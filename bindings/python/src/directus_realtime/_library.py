"""Finds the shared library and loads it."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from . import _checkout

ENVIRONMENT = "DIRECTUS_REALTIME_LIBRARY"
ABI_MAJOR = 0
ABI_MINOR = 2

_NAMES = {"darwin": "libdirectus_realtime.dylib", "win32": "directus_realtime.dll"}
_NAME = _NAMES.get(sys.platform, "libdirectus_realtime.so")


def _candidates() -> Iterator[Path]:
    given = os.environ.get(ENVIRONMENT)
    if given:
        yield Path(given)
        return
    here = Path(__file__).resolve().parent
    # In a wheel it has the name of an extension module.
    bundled = [*sorted(here.glob("_native*")), *here.glob(_NAME)]
    checkout = _checkout.root_of(here)
    if checkout is None:
        yield from bundled
        return
    # In a checkout, the one that was built last.
    folder = _checkout.target_of(checkout)
    built = [folder / profile / _NAME for profile in ("release", "debug")]
    there = [path for path in (*bundled, *built) if path.is_file()]
    yield from sorted(there, key=lambda path: path.stat().st_mtime, reverse=True) or built


def _platform() -> str:
    """What this process runs on, such as "linux-x86_64 with glibc 2.36"."""
    libc = " ".join(platform.libc_ver()).strip()
    return f"{sysconfig.get_platform()} with {libc}" if libc else sysconfig.get_platform()


def path_of_library() -> Path:
    """The file that `load` loads. Raises `ImportError` where there is none."""
    tried: list[Path] = []
    for path in _candidates():
        if path.is_file():
            return path
        tried.append(path)
    places = ", ".join(map(str, tried)) or "nothing"
    raise ImportError(
        f"the directus_realtime library was not found; looked for: {places}. This is {_platform()};"
        " there are wheels for Linux on x86_64 and aarch64. Install the package with pip, build it"
        f" with `make lib` in a checkout, or set {ENVIRONMENT} to its path."
    )


def load() -> ctypes.CDLL:
    """Loads the library. The message of an `ImportError` says what to do."""
    path = path_of_library()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"the library {path} cannot be loaded on {_platform()}: {error}"
        ) from error
    check_version(library, path)
    return library


def check_version(library: ctypes.CDLL, path: Path) -> None:
    """Refuses a library whose ABI this package cannot use."""
    try:
        function = library.drt_abi_version
    except AttributeError:
        raise ImportError(f"{path} is not the directus_realtime library") from None
    function.restype = ctypes.c_uint32
    function.argtypes = []
    found: int = function()
    major, minor = found >> 16, found & 0xFFFF
    if major != ABI_MAJOR or minor < ABI_MINOR:
        raise ImportError(
            f"{path} has the ABI {major}.{minor}, and this package needs {ABI_MAJOR}.{ABI_MINOR}"
            " or a later minor version: install the package together with its library."
        )
