"""The programs of the package's README."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def program(kind: str) -> str:
    """The first program of the README that uses that client."""
    module = {"sync": "directus_realtime", "asyncio": "directus_realtime.aio"}[kind]
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if f"from {module} import Client\n" in block)


def program_at(kind: str, url: str, token: str) -> str:
    """The same, for another server."""
    text = program(kind)
    for written, meant in (("http://localhost:8055", url), ("my-token", token)):
        assert written in text
        text = text.replace(written, meant)
    return text
