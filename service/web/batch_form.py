"""The form for a batch: what stands in its fields, and the request that they make."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, QueryParams

from processors.registry import registry
from schemas.batches import BatchRequest
from schemas.problems import Problem
from service.errors import InvalidRequest
from service.handlers import request_error

_MOST_TEXT = 60_000
_WIDTH = "width"


@dataclass(frozen=True)
class BatchForm:
    """The text of each field, as it was typed.

    `encode` holds the options that have no field of their own, as JSON.
    """

    input: str = ""
    output: str = ""
    operations: str = ""
    recipe: str = ""
    format: str = ""
    quality: str = ""
    encode: str = ""
    widths: str = ""
    skip_unchanged: str = ""

    @classmethod
    def sent(cls, form: FormData) -> Self:
        """Raises InvalidRequest for more text than a field takes."""
        found = {field.name: str(form.get(field.name, "")).strip() for field in fields(cls)}
        for name, text in found.items():
            if len(text) > _MOST_TEXT:
                detail = f"{len(text)} characters, the limit is {_MOST_TEXT}"
                raise InvalidRequest(f"{name}: {detail}", [(f"/{name}", detail)])
        return cls(**found)

    @classmethod
    def handed(cls, query: QueryParams, output: str) -> Self:
        """From an address: operations as text or as a JSON array, and encode options as JSON.

        Raises InvalidRequest and OperationError.
        """
        given = {name: query.get(name, "") for name in ("input", "recipe", "widths")}
        encode = _object(query.get("encode", ""), "/encode")
        shown = {name: str(encode.pop(name, "") or "") for name in ("format", "quality")}
        return cls(
            **given,
            **shown,
            output=query.get("output", output),
            operations="\n".join(_lines(query.getlist("operations"))),
            encode=json.dumps(encode) if encode else "",
        )

    @property
    def set_apart(self) -> bool:
        """Whether something stands in the fields that are folded away."""
        return any((self.encode, self.widths))

    def request(self) -> BatchRequest:
        """Raises RequestError, with pointers into the request."""
        body = self._body()
        try:
            return BatchRequest.model_validate(body)
        except ValidationError as error:
            found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
            raise request_error(RequestValidationError(found, body=body)) from None

    def _body(self) -> dict[str, Any]:
        for name in ("input", "output"):
            if not asdict(self)[name]:
                raise InvalidRequest(f"{name}: is required", [(f"/images/0/{name}", "is required")])
        encode = _object(self.encode, "/encode")
        encode |= {name: asdict(self)[name] for name in ("format", "quality")}
        widths = _widths(self.widths)
        _check_template(self.output, widths)
        own = [{"operations": [f"resize={width}x"]} for width in widths] or [{}]
        body: dict[str, Any] = {
            "images": [{"input": self.input}],
            # Outputs of variants are templates also where the input is no pattern.
            "variants": [{"output": self.output, **one} for one in own],
            "encode": {name: value for name, value in encode.items() if value != ""},
            "skip_unchanged": bool(self.skip_unchanged),
        }
        if operations := _written(self.operations):
            body["operations"] = [_operation(line) for line in operations]
        if self.recipe:  # what a request says of operations, be it none, goes before the recipe
            body["recipe"] = self.recipe
        return body


def field_faults(problem: Problem | None) -> dict[str, str]:
    """What is wrong, by the name of the form's field; what belongs to none is left out."""
    found: dict[str, str] = {}
    for fault in problem.errors if problem else ():
        parts = fault.pointer.strip("/").split("/")
        name = _field(parts)
        detail = fault.detail
        if name == "operations" and len(parts) > 1 and parts[1].isdecimal():
            detail = f"operation {int(parts[1]) + 1}: {detail}"
        found.setdefault(name, detail)
    return {field.name: found[field.name] for field in fields(BatchForm) if field.name in found}


def _field(parts: list[str]) -> str:
    if parts[0] == "variants" and parts[-1] != "output":
        return "widths"
    if parts[0] in ("images", "variants"):
        return parts[-1] if parts[-1] in ("input", "output") else "input"
    if parts[0] == "encode" and parts[-1] in ("format", "quality"):
        return parts[-1]
    return parts[0]


def _written(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _operation(line: str) -> Any:
    """Text stays text; an object is read."""
    if not line.startswith("{"):
        return line
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _lines(texts: list[str]) -> list[str]:
    """Operations of an address, each in the form that one line takes. Raises OperationError."""
    found: list[str] = []
    for text in texts:
        if not text.lstrip().startswith("["):
            found += _written(text)
            continue
        found += [registry().parse(one).text() for one in _array(text)]
    return found


def _array(text: str) -> list[Any]:
    try:
        return list(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        detail = f"the address has operations that are not JSON: {error}"
        raise InvalidRequest(detail, [("/operations", detail)]) from None


def _object(text: str, pointer: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        detail = f'write a JSON object, such as {{"progressive": true}}: {error}'
        raise InvalidRequest(detail, [(pointer, detail)]) from None
    if not isinstance(found, dict):
        detail = 'write a JSON object, such as {"progressive": true}'
        raise InvalidRequest(detail, [(pointer, detail)])
    return found


def _widths(text: str) -> list[int]:
    words = text.replace(",", " ").split()
    if not all(word.isascii() and word.isdecimal() and len(word) < 6 for word in words):
        detail = "write widths in pixels, such as 1600, 800, 400"
        raise InvalidRequest(f"widths: {detail}", [("/widths", detail)])
    return [int(word) for word in words]


def _check_template(output: str, widths: list[int]) -> None:
    if len(widths) > 1 and f"{{{_WIDTH}" not in output:
        detail = "put {width} into the name: each width needs a file of its own"
        raise InvalidRequest(f"output: {detail}", [("/variants/0/output", detail)])
