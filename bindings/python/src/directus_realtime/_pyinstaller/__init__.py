"""The hooks of this package for PyInstaller."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The entry point `pyinstaller40`: where the hooks are."""
    return [str(Path(__file__).resolve().parent)]
