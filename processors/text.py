"""The text form of an operation's parameters.

    name                          all defaults
    name=value,value,key=value    values by position in the order of the fields, then by name
    name=400x300                  a width and a height; 400x and x300 give one of them; 50%x50%
    name={"key": value}           a JSON object

A value with a comma, a quote or a bracket in it is written as JSON.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from processors.errors import InvalidArguments, Problem

_SIDE = r"(\d+(?:\.\d+)?%|\d*)"
_DIMENSIONS = re.compile(f"{_SIDE}x{_SIDE}")
_QUOTED = re.compile(rf"""[,"'\[\]{{}}=]|^{_SIDE}x{_SIDE}$|^\s|\s$|^$""")


def split_name(text: str) -> tuple[str, str | None]:
    """The operation's name and the text behind the first `=`, None when there is none."""
    name, equals, arguments = text.partition("=")
    return name.strip(), arguments.strip() if equals else None


def parse_arguments(op: str, fields: tuple[str, ...], arguments: str | None) -> dict[str, Any]:
    """The parameters by name, each as text or as the JSON value that was written.

    Raises InvalidArguments for too many values, an unknown or repeated name, or broken JSON.
    """
    if arguments is None:
        return {}
    if arguments.startswith("{"):
        return _json_object(op, arguments)
    return _by_name(op, fields, arguments)


def format_arguments(op: str, values: dict[str, Any], differing: set[str]) -> str:
    """The text form for `values`, leaving out what does not differ from its default."""
    changed = {name: value for name, value in values.items() if name in differing}
    if not changed:
        return op
    if {"width", "height"} <= changed.keys() and next(iter(values)) not in changed:
        size = f"{changed.pop('width')}x{changed.pop('height')}"
        return f"{op}={','.join([size, *_named(changed)])}"
    return f"{op}={','.join(_positional_then_named(values, changed))}"


def _positional_then_named(values: dict[str, Any], changed: dict[str, Any]) -> Iterator[str]:
    remaining = dict(changed)
    for name, value in values.items():
        if name not in remaining and (value is None or not remaining):
            break
        remaining.pop(name, None)
        yield _format_value(value)
    yield from _named(remaining)


def _named(values: dict[str, Any]) -> Iterator[str]:
    return (f"{name}={_format_value(value)}" for name, value in values.items())


def _format_value(value: Any) -> str:
    if isinstance(value, str) and not _QUOTED.search(value):
        return value
    return json.dumps(value, separators=(",", ":"))


def _json_object(op: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArguments(op, Problem((), f"not a JSON object: {error}")) from None
    return {str(key): item for key, item in value.items()}


def _by_name(op: str, fields: tuple[str, ...], text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    position = 0
    for token in _tokens(op, text):
        for name, value in _read_token(fields, token, position):
            if name is None:
                raise InvalidArguments(op, Problem((), _too_many(op, fields)))
            if name in found:
                raise InvalidArguments(op, Problem((name,), "given twice"))
            found[name] = value
            position = fields.index(name) + 1 if name in fields else position
    return found


def _read_token(
    fields: tuple[str, ...], token: str, position: int
) -> Iterator[tuple[str | None, Any]]:
    dimensions = _DIMENSIONS.fullmatch(token)
    name, equals, value = token.partition("=")
    if equals and name.strip().isidentifier():
        yield name.strip(), _read_value(value.strip())
    elif dimensions and any(dimensions.groups()) and {"width", "height"} <= set(fields):
        yield from (
            (side, length)
            for side, length in zip(("width", "height"), dimensions.groups(), strict=True)
            if length
        )
    else:
        yield fields[position] if position < len(fields) else None, _read_value(token)


def _read_value(token: str) -> Any:
    if token[:1] not in {"[", "{", '"'}:
        return token
    try:
        return json.loads(token)
    except (ValueError, RecursionError):
        return token


def _tokens(op: str, text: str) -> list[str]:
    """`text` cut at the commas that stand outside quotes and brackets."""
    tokens, start, depth, quoted, escaped = [], 0, 0, False, False
    for index, char in enumerate(text):
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
            if depth < 0:
                break
        elif char == "," and depth == 0:
            tokens.append(text[start:index].strip())
            start = index + 1
    if depth or quoted:
        raise InvalidArguments(op, Problem((), f"unbalanced brackets or quotes in {text[:60]!r}"))
    return [*tokens, text[start:].strip()]


def _too_many(op: str, fields: tuple[str, ...]) -> str:
    if not fields:
        return f"{op} takes no parameters"
    return f"more values than its {len(fields)} parameters: {', '.join(fields)}"
