"""The catalogue of operations: those of the families below `operations/`, and plugins.

A family is a module; each public Operation class that it defines is an operation. A plugin is an
entry point of the group `darkroom.operations` that names such a class or module. A plugin that
cannot be loaded is reported by name in `problems`, and the others are there all the same.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, NamedTuple

from processors import operations as families
from processors.errors import DuplicateOperation, InvalidArguments, Problem, UnknownOperation
from processors.operation import Operation
from processors.text import split_name

ENTRY_POINT_GROUP = "darkroom.operations"


class PluginProblem(NamedTuple):
    """A plugin that could not be loaded, and why."""

    plugin: str
    detail: str


class Registry:
    """Operations by name and alias, in the order in which they were added."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Operation]] = {}
        self._names: dict[str, type[Operation]] = {}
        self._families: dict[str, str] = {}
        self.problems: list[PluginProblem] = []

    def __iter__(self) -> Iterator[type[Operation]]:
        return iter(self._classes.values())

    def add(self, operation: type[Operation], family: str) -> None:
        """Raises DuplicateOperation when its name or one of its aliases is taken."""
        names = (operation.name(), *operation.aliases)
        for name in names:
            if name in self._names:
                taken = self._names[name].__qualname__
                raise DuplicateOperation(
                    f"{name!r} of {operation.__qualname__} is taken by {taken}"
                )
        self._classes[operation.name()] = operation
        self._names.update(dict.fromkeys(names, operation))
        self._families[operation.name()] = family

    def family(self, operation: type[Operation]) -> str:
        return self._families[operation.name()]

    def get(self, name: str) -> type[Operation]:
        """The operation of that name or alias. Raises UnknownOperation, with the nearest name."""
        try:
            return self._names[name]
        except KeyError:
            raise UnknownOperation(unknown(name, self._names)) from None

    def arguments(self, value: object) -> dict[str, Any]:
        """The parameters, `op` included, that a text or an object stands for; not yet validated.

        Raises UnknownOperation or InvalidArguments.
        """
        if isinstance(value, Operation):
            return dict(value)
        if isinstance(value, str):
            name, text = split_name(value)
            operation = self.get(name)
            return {**operation.parse_text(text), "op": operation.name()}
        if isinstance(value, dict) and isinstance(value.get("op"), str):
            return {**value, "op": self.get(value["op"]).name()}
        raise InvalidArguments(
            "operation", Problem((), 'write it as text, "resize=0.5", or as {"op": "resize", ...}')
        )

    def parse(self, value: object) -> Operation:
        """The operation of a text or an object. Raises UnknownOperation or InvalidArguments."""
        arguments = self.arguments(value)
        return self.get(arguments["op"]).build(arguments)


def unknown(name: str, known: dict[str, type[Operation]]) -> str:
    """The sentence for a name that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else "GET /v1/operations lists them"
    return f"there is no operation {name[:60]!r}; {hint}"


@cache
def registry() -> Registry:
    """The catalogue of this process."""
    found = Registry()
    for module in pkgutil.iter_modules(families.__path__, f"{families.__name__}."):
        _add_all(found, importlib.import_module(module.name), module.name.rpartition(".")[2])
    for plugin in entry_points(group=ENTRY_POINT_GROUP):
        _add_plugin(found, plugin)
    return found


def _add_all(found: Registry, module: ModuleType, family: str) -> None:
    for operation in _operations_of(module):
        found.add(operation, family)


def _operations_of(module: ModuleType) -> list[type[Operation]]:
    return [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, Operation)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _add_plugin(found: Registry, plugin: EntryPoint) -> None:
    try:
        loaded = plugin.load()
        if isinstance(loaded, ModuleType):
            _add_all(found, loaded, plugin.name)
        elif inspect.isclass(loaded) and issubclass(loaded, Operation):
            found.add(loaded, plugin.name)
        else:
            raise TypeError(f"{plugin.value} is neither an Operation class nor a module")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises, the service starts
        found.problems.append(PluginProblem(plugin.name, f"{type(error).__name__}: {error}"))
