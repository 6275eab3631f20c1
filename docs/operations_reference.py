"""The page `docs/operations.md`, made from the catalogue of operations.

`python -m docs.operations_reference` prints it with the plugins that are installed.
"""

import inspect
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from docs.markdown import code, either, table
from docs.operation_pictures import PICTURES, picture_of, use_of
from processors import operations as families
from processors.operation import Operation
from processors.registry import registry

_INTRODUCTION = """\
# Operations

An operation has the same name and parameters on every route: as text, `"blur=5"`, or as an object,
`{"op": "blur", "kernel_size": 5}`. Text gives values in the order of the table, or by name:
`resize=width=400`. [Batches](batches.md#operations) says more about both forms. The service itself
lists them at `GET /v1/operations`, plugins included.

This page is written by `python -m docs.generate`.
"""

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
}
_FORMATS = {"color": "colour, such as `black` or `#ff8000`"}


def operations_markdown(operations: Iterable[type[Operation]] | None = None) -> str:
    """The page: a list of contents, then a section for each family and operation.

    Without `operations`, of those that this project has.
    """
    found = sorted(own_operations() if operations is None else operations, key=registry().family)
    grouped = [(family, list(members)) for family, members in groupby(found, registry().family)]
    contents = "\n".join(_contents(family, members) for family, members in grouped)
    sections = [part for family, members in grouped for part in _family(family, members)]
    return "\n".join([_INTRODUCTION, contents + "\n", *sections])


def own_operations() -> list[type[Operation]]:
    """The operations without plugins, which may be installed where this page is written."""
    home = f"{families.__name__}."
    return [operation for operation in registry() if operation.__module__.startswith(home)]


def _contents(family: str, members: list[type[Operation]]) -> str:
    links = ", ".join(f"[{code(item.name())}](#{item.name()})" for item in members)
    return f"- {_title(family)}: {links}"


def _title(family: str) -> str:
    return family.replace("_", " ").capitalize()


def _family(family: str, members: list[type[Operation]]) -> Iterator[str]:
    module = inspect.getmodule(members[0])
    yield f"## {_title(family)}\n\n{(module and inspect.getdoc(module)) or ''}\n"
    yield from map(_section, members)


def _section(operation: type[Operation]) -> str:
    parts = [f"### {operation.name()}\n", f"{inspect.getdoc(operation)}\n"]
    if operation.aliases:
        parts.append(f"Also called {either([code(alias) for alias in operation.aliases])}.\n")
    parts.append(f"Text form: {code(text_form(operation))}\n")
    if operation.parameters():
        parts.append(_parameters(operation))
    parts.append(_example(operation))
    if operation in own_operations():
        parts.append(_picture(operation))
    return "\n".join(parts)


def text_form(operation: type[Operation]) -> str:
    """The name and all parameters in the order of the text form."""
    names = ",".join(operation.parameters())
    return f"{operation.name()}={names}" if names else operation.name()


def _parameters(operation: type[Operation]) -> str:
    schema = operation.model_json_schema()
    definitions, required = schema.get("$defs", {}), schema.get("required", ())
    rows = []
    for name in operation.parameters():
        field = schema["properties"][name]
        default = "required" if name in required else _default(field.get("default"))
        rows.append((code(name), _type(field, definitions), default, field["description"]))
    return table(("Parameter", "Type", "Default", "Meaning"), rows)


def _default(value: Any) -> str:
    if value is None:
        return "not set"
    return code(value if isinstance(value, str) else json.dumps(value))


def _type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """The type with its range or choices, in words."""
    if reference := field.get("$ref"):
        return _type(definitions[reference.rpartition("/")[2]], definitions)
    if choices := field.get("enum", [field["const"]] if "const" in field else None):
        return either([_default(choice) for choice in choices])
    if members := field.get("anyOf", field.get("oneOf")):
        named = [_type(item, definitions) for item in members if item.get("type") != "null"]
        return either(named)
    return ", ".join([_plain_type(field, definitions), *_bounds(field)])


def _plain_type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    if field.get("format") in _FORMATS:
        return _FORMATS[field["format"]]
    kind = str(field.get("type", "any value"))
    if kind == "array" and "items" in field:
        return f"array of {_type(field['items'], definitions)}"
    return kind


def _bounds(field: dict[str, Any]) -> Iterator[str]:
    if {"minimum", "maximum"} <= field.keys():
        yield f"{field['minimum']} to {field['maximum']}"
        field = {key: field[key] for key in field.keys() - {"minimum", "maximum"}}
    yield from (words.format(field[bound]) for bound, words in _BOUNDS.items() if bound in field)


def _example(operation: type[Operation]) -> str:
    example = registry().parse(operation.example)
    # `op` first, then what the example says; the rest are defaults.
    given = {"op": operation.name(), **example.model_dump(mode="json", exclude_unset=True)}
    return f"Example: {code(json.dumps(operation.example))}, or {code(json.dumps(given))}\n"


def _picture(operation: type[Operation]) -> str:
    text, subject = use_of(operation)
    path = picture_of(operation).relative_to(PICTURES.parent.parent).as_posix()
    copy = f", on {subject}" if subject else ""
    caption = f"Left: before. Right: after {code(json.dumps(text))}{copy}."
    return f"![{operation.name()}: before and after]({path})\n\n{caption}\n"


if __name__ == "__main__":
    print(operations_markdown(registry()))
