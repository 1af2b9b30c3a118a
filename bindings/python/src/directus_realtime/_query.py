"""Queries, as subscriptions and items take them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ._errors import InvalidArgumentError

Query = Mapping[str, Any]

#: The parameters that the server reads; it ignores all others.
PARAMETERS = [
    "fields",
    "filter",
    "search",
    "sort",
    "limit",
    "offset",
    "page",
    "meta",
    "deep",
    "alias",
    "aggregate",
    "group",
    "groupBy",
    "export",
    "version",
    "versionRaw",
    "backlink",
]


def check_query(query: object) -> None:
    """Refuses a parameter that does not exist.

    The server would ignore a misspelt filter, and report everything. A query that is not
    a mapping is refused when it is written as JSON.
    """
    if not isinstance(query, Mapping):
        return
    for name, value in query.items():
        if name not in PARAMETERS:
            raise InvalidArgumentError(
                f"query[{name!r}] is not a query parameter: {_hint(name, value)}"
            )


def _hint(name: object, value: object) -> str:
    words = str(name)
    near = difflib.get_close_matches(words.replace("_", "").lower(), PARAMETERS, 1, 0.8)
    if near:
        return f"did you mean {near[0]!r}?"
    has_operator = isinstance(value, Mapping) and any(str(key).startswith("_") for key in value)
    if words.startswith("_") or has_operator:
        return "it belongs in query['filter']"
    return f"use one of {', '.join(PARAMETERS)}"
