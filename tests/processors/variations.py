"""Uses of an operation with other parameters than its example's, derived from its JSON Schema."""

from collections.abc import Iterator
from typing import Any

from processors.errors import InvalidArguments
from processors.operation import Operation
from processors.registry import registry

_TEXTS = ("red", "#01020380", "a b", 'x,"y"=[z]', "400x300", "é")


def variations(operation: type[Operation]) -> list[Operation]:
    """The example, and the example with one parameter changed, or alone with the required ones."""
    example = registry().parse(operation.example)
    found = [example]
    required = operation.model_json_schema().get("required", [])
    for base in (dict(example), {name: getattr(example, name) for name in required}):
        found += _changed(operation, base)
    return list(dict.fromkeys(found))


def _changed(operation: type[Operation], base: dict[str, Any]) -> Iterator[Operation]:
    properties = operation.model_json_schema()["properties"]
    for name in operation.parameters():
        for value in values(properties[name]):
            try:
                yield operation.build({**base, name: value})
            except InvalidArguments:
                continue  # a value that does not go together with the others


def values(schema: dict[str, Any]) -> list[Any]:
    """Some values that a parameter may take: its bounds, and some between."""
    if "anyOf" in schema:
        return [value for choice in schema["anyOf"] for value in values(choice)]
    if "enum" in schema:
        return list(schema["enum"])
    match schema.get("type"):
        case "boolean":
            return [False, True]
        case "integer":
            return [*_bounds(schema), 1, 2, 3, 8, 17]
        case "number":
            return [*_bounds(schema), 0.25, 0.4, 1.5, 33.3, 90, 180, 1e-05]
        case "string":
            return list(_TEXTS)
    return []


def _bounds(schema: dict[str, Any]) -> list[Any]:
    return [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
