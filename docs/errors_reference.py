"""The page `docs/errors.md`, made from the kinds of problems."""

import json
from typing import Any

from docs.markdown import block, code, table
from processors.errors import StepFailed
from schemas.problems import MEDIA_TYPE, Fault, Problem
from service.errors import INTERNAL, KINDS, TYPE_PREFIX, Kind
from service.problems import problem_of

_INTRODUCTION = f"""\
# Errors

Every error has the same body, of the media type `{MEDIA_TYPE}` (RFC 9457). In a
batch the image that failed has the same object in its `error`; the batch itself answers 200, and
the other images are processed.

This page is written by `python -m docs.generate`.
"""

_POINTERS = """\
A `pointer` is a JSON Pointer (RFC 6901) into the request as it was sent: `/operations/1` is its
second operation, `/operations/1/kernel_size` one parameter of it, `/images/0/output` the output of
the first image.

The header `X-Request-ID` is on every answer and on every line of the log that belongs to it. A
request may bring its own.
"""

_EXAMPLE = StepFailed("crop", "the rectangle at 900,20 lies outside the 512x512 image", 1)


def errors_markdown() -> str:
    """The page: the body, an example, the kinds."""
    example = json.dumps(problem_of(_EXAMPLE).model_dump(), indent=2)
    return "\n".join(
        [
            _INTRODUCTION,
            "## The body\n",
            _fields(),
            _POINTERS,
            block("json", example),
            "## The kinds\n",
            f"`GET {TYPE_PREFIX}{{slug}}` answers with the row of this table.\n",
            _kinds(),
        ]
    )


def kinds() -> list[Kind]:
    """Every kind once, by status."""
    return sorted({*KINDS.values(), INTERNAL}, key=lambda kind: (kind.status, kind.slug))


def _fields() -> str:
    rows = [
        (code(name), _type(field.annotation), field.description or "What is at fault, if known.")
        for name, field in Problem.model_fields.items()
    ]
    rows += [
        (code(f"errors[].{name}"), _type(field.annotation), field.description or "What is wrong.")
        for name, field in Fault.model_fields.items()
    ]
    return table(("Field", "Type", "Meaning"), rows)


def _type(annotation: Any) -> str:
    return {str: "string", int: "integer"}.get(annotation, "array")


def _kinds() -> str:
    rows = [
        (str(kind.status), code(TYPE_PREFIX + kind.slug), kind.title, kind.advice)
        for kind in kinds()
    ]
    return table(("Status", "Type", "Title", "What to do"), rows)
