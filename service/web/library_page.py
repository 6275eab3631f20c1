"""The grid of the library, with its query in the address."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import ValidationError

from processors.formats import FORMAT_TRAITS
from processors.operation import plain_message
from schemas.library import ImageQuery
from service.errors import kind_of
from service.problems import problem_of
from service.services import Services
from service.store.base import CursorRefused
from service.web.rendering import page

_PAGED = {"limit": "60"}
_SORTS = (
    ("path", "Name"), ("-modified", "Newest"), ("modified", "Oldest"), ("-megapixels", "Largest"),
    ("megapixels", "Smallest"), ("-width", "Widest"), ("-height", "Tallest"),
    ("-bytes", "Heaviest"),
)  # fmt: skip
_FORMATS = (("", "any"), *((name, name) for name in FORMAT_TRAITS))
_FIELDS = ("name", "min_width", "max_width", "min_height", "max_height", "format", "sort")


async def library_page(request: Request, services: Services) -> Response:
    """A query that is wrong says so beside its field, and stays in the address."""
    given = {name: value for name, value in request.query_params.items() if value}
    return page(
        request,
        "library.html",
        query={name: _shown(name, given.get(name, "")) for name in _FIELDS},
        asked=any(name in given for name in _FIELDS),
        narrowed=any(name in given for name in _FIELDS if name != "sort"),
        formats=_FORMATS,
        sorts=_SORTS,
        folder=services.library.folder.root,
        **await _found(given, services),
    )


async def _found(given: dict[str, str], services: Services) -> dict[str, Any]:
    """The images, or what is wrong with the query and where."""
    found: dict[str, Any] = dict.fromkeys(("found", "problem", "next", "first"))
    try:
        images = await services.store.images.page(ImageQuery.model_validate(_PAGED | given))
    except ValidationError as error:
        return found | {"advice": "", "faults": _faults(error)}
    except CursorRefused as error:
        return found | {"problem": problem_of(error), "advice": kind_of(error).advice, "faults": {}}
    first = {name: value for name, value in given.items() if name != "cursor"}
    return found | {
        "found": images,
        "faults": {},
        "advice": "",
        "next": images.next and "/?" + urlencode(first | {"cursor": images.next}),
        "first": "cursor" in given and "/?" + urlencode(first),
    }


def _shown(name: str, text: str) -> str:
    """What a field holds; one for numbers can hold nothing else."""
    return "" if name.startswith(("min_", "max_")) and not text.isdecimal() else text


def _faults(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field."""
    return {
        str(item["loc"][0]) if item["loc"] else "query": plain_message(item)
        for item in error.errors()
    }
