"""The catalogue of operations in tables."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from schemas.operations import OperationDescription

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def catalogue_table(found: Iterable[OperationDescription]) -> Table:
    """All operations, a section a family."""
    table = _table("family", "name", "aliases", "text form", "summary")
    families = groupby(sorted(found, key=lambda entry: entry.family), lambda entry: entry.family)
    for family, members in families:
        table.add_section()
        for entry in members:
            aliases = ", ".join(entry.aliases)
            table.add_row(family, entry.name, aliases, entry.text_form, entry.summary)
    return table


def detail(entry: OperationDescription) -> Group:
    """One operation: what it does, how it is written, its parameters."""
    lines = [
        f"{entry.name} ({entry.family})",
        entry.description,
        "",
        f"text form  {entry.text_form}",
        f"example    {entry.example}",
    ]
    if entry.aliases:
        lines.append(f"aliases    {', '.join(entry.aliases)}")
    parameters = parameter_table(entry.parameters)
    return Group(Text("\n".join(lines)), *([parameters] if parameters.row_count else []))


def parameter_table(schema: dict[str, Any]) -> Table:
    """The parameters that a JSON Schema describes, in the order in which text gives them."""
    table = _table("parameter", "type", "default", "range", "description")
    for name, field in schema["properties"].items():
        if name != "op":
            table.add_row(
                name, type_of(field), _default(field), range_of(field), field.get("description", "")
            )
    return table


def type_of(field: dict[str, Any]) -> str:
    """The type in words: `number`, `color`, `stretch | inside`; what may be left out is `none`."""
    if "anyOf" in field:
        return " | ".join(type_of(member) for member in field["anyOf"])
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if field.get("type") == "array":
        return f"list of {type_of(field.get('items', {}))}"
    kind = str(field.get("format") or field.get("const") or field.get("type", "any"))
    return "none" if kind == "null" else kind


def range_of(field: dict[str, Any]) -> str:
    """The bounds in words."""
    members = [field, *field.get("anyOf", ())]
    return ", ".join(
        words.format(member[key])
        for member in members
        for key, words in _BOUNDS.items()
        if key in member
    )


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "required"
    value = field["default"]
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _table(*columns: str) -> Table:
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table
