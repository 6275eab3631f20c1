"""Stored pipelines as the pages show them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from processors.errors import OperationError
from processors.registry import registry
from service.web.lab_page import steps_of


def operation_texts(operations: Sequence[Any]) -> list[str]:
    """Each operation in its text form; one that is not known any more as it is stored."""
    return [_text(operation) for operation in operations]


def encode_text(encode: Mapping[str, Any]) -> str:
    """What is set of the encode options: `webp, quality 80`."""
    others = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in encode.items()]
    format = [str(encode["format"])] if encode.get("format") else []
    return ", ".join(format + [text for text in others if not text.startswith("format ")])


def lab_address(operations: Sequence[Any], encode: Mapping[str, Any]) -> str:
    """Where the lab opens them; empty when one is not known any more."""
    try:
        steps = json.loads(steps_of([json.dumps(operations)]) or '{"steps": []}')
    except OperationError:
        return ""
    text = json.dumps(steps | ({"encode": dict(encode)} if encode else {}))
    return "/lab#" + quote(text, safe="")


def _text(operation: Any) -> str:
    try:
        return registry().parse(operation).text()
    except OperationError:
        return _plain(operation)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
