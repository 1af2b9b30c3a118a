"""The layout of the package: its modules import in one direction."""

from __future__ import annotations

import ast
from pathlib import Path

import directus_realtime

PACKAGE = Path(directus_realtime.__file__).parent


def imports() -> dict[str, set[str]]:
    """The modules that each module of the package imports, type checkers' imports included."""
    modules = {
        path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
    }
    names = {name.removesuffix(".__init__"): path for path, name in modules.items()}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.level == 0:
                continue
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
            source = f"{base}.{node.module}" if node.module else base
            found = {f"{source}.{alias.name}" for alias in node.names} & names.keys()
            graph[name] |= found or {source}
    return graph


def test_the_modules_of_the_package_import_in_one_direction() -> None:
    graph = imports()
    assert graph["directus_realtime"] >= {"directus_realtime._client"}
    assert graph["directus_realtime.aio._client"] >= {"directus_realtime._core"}
    while graph:
        free = {name for name, wanted in graph.items() if not wanted & graph.keys()}
        assert free, f"these import each other: {sorted(graph)}"
        graph = {name: wanted for name, wanted in graph.items() if name not in free}


def test_the_synchronous_client_imports_nothing_of_the_asyncio_client() -> None:
    for name, wanted in imports().items():
        if not name.startswith("directus_realtime.aio"):
            assert not any(each.startswith("directus_realtime.aio") for each in wanted), name


def test_the_parts_of_a_client_have_no_base_classes() -> None:
    # A client, scope, subscription or consumer has a base class of its own kind; parts have
    # none but protocols.
    allowed = {
        "ABC",
        "AsyncIterator",
        "BaseClient",
        "CallbackConsumer",
        "Collection",
        "Consumer",
        "Generic",
        "Handler",
        "IteratorConsumer",
        "LiveBase",
        "LiveOpening",
        "NamedTuple",
        "Protocol",
        "ScopeBase",
        "Sequence",
        "Structure",
        "Subscribing",
    }
    for path in PACKAGE.rglob("*.py"):
        if path.name in ("_errors.py", "_state.py", "_live_state.py", "__main__.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
                assert bases <= allowed, f"{path.name}: {node.name}"
