"""Who imports whom: the directions of the design, read from the sources."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("processors", "schemas", "service", "benchmarks", "docs", "testimages")
OURS = (*PACKAGES, "main", "tests")

# What a part may import of ours, itself included where that is meant. The longest name that fits
# a module is its part; a part that is not there yet has no modules, and nothing to keep to.
MAY_IMPORT = {
    "processors": ("processors",),
    "processors.errors": (),
    "processors.text": ("processors.errors",),
    "processors.operation": ("processors.errors", "processors.text"),
    "processors.probing": ("processors.probing", "processors.errors"),
    "schemas": ("schemas", "processors"),
    "service": ("service", "schemas", "processors"),
    "service.storage_errors": (),
    "service.local_files": ("service.storage_errors",),
    "service.remote": ("service.remote", "service.network", "service.storage_errors", "processors"),
    "service.storage": (
        "service.storage",
        "service.storage_errors",
        "service.local_files",
        "service.remote",
    ),
    "service.transfer": ("service.storage", "schemas", "processors.errors"),
    "service.store": ("service.store", "schemas", "processors.errors"),
    "service.network": ("service.network",),
    # The desktop window works with it, and knows no server.
    "service.camera": (
        "service.camera",
        "service.storage",
        "service.store.errors",
        "processors",
    ),
    "service.engine": (
        "service.engine",
        "service.storage",
        "service.remote.urls",
        "service.transfer",
        "schemas",
        "processors",
    ),
    "service.jobs": (
        "service.jobs",
        "service.network",
        "service.engine.base",
        "service.engine.dispatch",
        "service.store.base",
        "service.store.errors",
        "service.store.jobs",
        "service.store.outputs",
        "service.version",
        "service.storage",
        "service.remote.urls",
        "service.transfer",
        "schemas",
        "processors",
    ),
    "main": ("service",),
}

# The layers inside `processors`, lowest first: a module imports its own layer and those below.
# What is not named is in the middle: the families of operations, the codecs, and their helpers.
LAYERS = {
    "errors": 0,
    "text": 1,
    "operation": 2,
    "plan": 4,
    "rules": 5,
    "planner": 6,
    "pipeline": 7,
    "fingerprint": 8,
    "inspection": 8,
    "pickled_image": 8,
    "raw_pixels": 8,
    "variants": 8,
    "jobs": 9,
}
MIDDLE = 3

# What only some may import: concrete backends and catalogued classes are otherwise reached
# through the contract, or through the registry.
ONLY_BY = {
    "processors.operations": ("processors.registry", "processors.rules", "docs"),
    "service.engine.local": ("service.app", "service.engine.dask_worker"),
    "service.engine.dask": ("service.app", "benchmarks"),
    "service.engine.worker": ("service.app", "service.engine"),
    "service.store.sqlite": ("service.app",),
    "service.store.mongo": ("service.app",),
    "service.app": ("service.cli", "main", "docs", "benchmarks"),
    "service.routers": ("service.routing",),
    "service.routing": ("service.app",),
    "service.cli": ("service.cli", "main", "docs", "benchmarks"),
    "motor": ("service.store.mongo",),
    "distributed": (
        "service.engine.dask_cluster",
        "service.engine.dask_worker",
        "benchmarks.dask_cluster",
    ),
    "fsspec": ("service.remote.objects", "service.remote.s3"),
    "aiobotocore": ("service.remote.s3",),
    "service.remote.stores": ("service.remote.remotes",),
    "service.remote.objects": ("service.remote.stores", "service.remote.s3"),
    "service.remote.s3": ("service.remote.stores",),
    "service.remote.web": ("service.remote.remotes",),
}

SIBLINGS = ("service.routers", "service.ingest", "service.live", "service.cli")

NOT_IN_PROCESSORS = ("asyncio", "fastapi", "starlette", "uvicorn", "pebble", "motor", "sqlite3")


# --- reading the sources -----------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    files = [ROOT / "main.py"]
    for package in PACKAGES:
        files += sorted((ROOT / package).rglob("*.py"))
    return {_name(file.relative_to(ROOT)): file for file in files if file.exists()}


def _name(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> dict[str, set[str]]:
    """For each module the modules, ours and others', that it imports anywhere in its source."""
    return {name: set(_imported(name, file)) for name, file in modules().items()}


def _imported(name: str, file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _source(name, file, node)
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                yield submodule if submodule in modules() else source


def _source(name: str, file: Path, node: ast.ImportFrom) -> str:
    """The module behind `from`, also where it is written relative to the one that imports."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def within(module: str, *parts: str) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in parts)


def edges() -> Iterator[tuple[str, str]]:
    return ((module, target) for module, targets in imports().items() for target in sorted(targets))


def own_edges() -> Iterator[tuple[str, str]]:
    return ((module, target) for module, target in edges() if within(target, *OURS))


def part_of(module: str) -> str | None:
    """The longest name of MAY_IMPORT that fits."""
    return max((part for part in MAY_IMPORT if within(module, part)), key=len, default=None)


# --- the rules ---------------------------------------------------------------------------------


def test_the_sources_are_read() -> None:
    found = imports()
    assert "processors.planner" in found["processors.pipeline"]
    assert "service.storage" in found["service.errors"]  # from service import storage
    assert "service.app" in found["main"]  # inside a function


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_lies_below_it(part: str) -> None:
    wrong = [
        f"{module} imports {target}"
        for module, target in own_edges()
        if part_of(module) == part and not within(target, *MAY_IMPORT[part])
    ]
    assert wrong == []


def layer(module: str) -> int:
    return LAYERS.get(module.split(".")[1], MIDDLE) if "." in module else MIDDLE


def test_the_layers_of_processors_import_downward() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, target in own_edges()
        if within(module, "processors")
        and within(target, "processors")
        and layer(module) < layer(target)
    ]
    assert wrong == []


@pytest.mark.parametrize("target", ONLY_BY)
def test_what_only_some_may_import(target: str) -> None:
    wrong = [
        f"{module} imports {found}"
        for module, found in edges()
        if within(found, target) and not within(module, target, *ONLY_BY[target])
    ]
    assert wrong == []


@pytest.mark.parametrize("part", SIBLINGS)
def test_siblings_do_not_import_one_another(part: str) -> None:
    others = [sibling for sibling in SIBLINGS if sibling != part]
    wrong = [
        f"{module} imports {target}"
        for module, target in own_edges()
        if within(module, part) and within(target, *others)
    ]
    assert wrong == []


def test_a_router_imports_no_other_router() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, target in own_edges()
        if within(module, "service.routers") and within(target, "service.routers")
    ]
    assert wrong == []


def test_image_work_knows_no_web_no_asyncio_and_no_database() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, target in edges()
        if within(module, "processors") and within(target, *NOT_IN_PROCESSORS)
    ]
    assert wrong == []


def test_the_product_imports_no_tests() -> None:
    assert [edge for edge in own_edges() if within(edge[1], "tests")] == []


def test_there_are_no_cycles() -> None:
    graph = {module: targets & modules().keys() - {module} for module, targets in imports().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
