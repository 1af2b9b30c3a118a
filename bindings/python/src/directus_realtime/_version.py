"""The version, which is the library's own."""

from __future__ import annotations

from ._abi import lib

__version__: str = lib.drt_version().decode()
