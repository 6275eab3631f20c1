"""Collections: all of them, and the forms that create one and fill it."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData

from processors.formats import FORMAT_BY_EXTENSION, FORMAT_TRAITS
from schemas.collections import (
    NORMALISED,
    Added,
    Collection,
    CollectionEntry,
    CollectionPipeline,
)
from schemas.problems import Problem
from service import normalising
from service.errors import InvalidRequest, RequestError
from service.handlers import request_error
from service.problems import problem_of
from service.services import Services
from service.store.base import StoreError, StoreUnavailable
from service.transfer import MemoryFile
from service.uploads import receive_files
from service.web.pipelines import encode_text, operation_texts
from service.web.rendering import page
from service.web.routes import FORM_TOKEN, check_token

_COLLECTIONS, _IMAGES, _SAMPLES = 48, 240, 9
_FILES_A_REQUEST = 64
"""Of the script: few enough that its progress moves, and that a lost connection costs little."""

_FORMATS = ("jpeg", "png", "webp", "avif")
BROWSERS_SHOW = (*_FORMATS, "gif")


@dataclass(frozen=True)
class Card:
    """A collection in the list."""

    collection: Collection
    operations: list[str]
    encode: str
    total: int
    images: list[CollectionEntry]
    shown: bool


@dataclass(frozen=True)
class Typed:
    """What the form holds that creates a collection."""

    name: str = ""
    operations: str = "\n".join(NORMALISED)
    format: str = "jpeg"
    quality: str = ""

    @classmethod
    def of(cls, form: FormData) -> "Typed":
        names = ("name", "operations", "format", "quality")
        return cls(**{name: str(form.get(name, "")).strip() for name in names})

    def pipeline(self) -> CollectionPipeline:
        """Raises InvalidRequest for operations that begin as JSON and are none."""
        encode: dict[str, Any] = {"format": self.format} if self.format else {}
        if self.quality:
            encode["quality"] = self.quality
        return CollectionPipeline(operations=self._operations(), encode=encode)

    def _operations(self) -> list[Any]:
        """A line each, or all as a JSON array."""
        if not self.operations.startswith("["):
            return [line.strip() for line in self.operations.splitlines() if line.strip()]
        try:
            found = json.loads(self.operations)
        except (ValueError, RecursionError) as error:
            detail = f"is not JSON: {error}"
            raise InvalidRequest(f"operations {detail}", [("/operations", detail)]) from None
        return found if isinstance(found, list) else [found]


def address(name: str) -> str:
    """Of the page of a collection, whatever its name holds."""
    return f"/collections/{quote(name, safe='')}"


async def collections_page(
    request: Request, services: Services, typed: Typed | None = None, problem: Problem | None = None
) -> Response:
    """Some collections, behind the name in the address. Raises StoreError."""
    behind = request.query_params.get("cursor", "")
    everything = await services.store.collections.all()
    rest = [one for one in everything if one.name > behind]
    return page(
        request,
        "collections.html",
        problem.status if problem else 200,
        cards=[await _card(services, one) for one in rest[:_COLLECTIONS]],
        total=len(everything),
        first=bool(behind),
        next=_cursor(rest[_COLLECTIONS - 1].name) if len(rest) > _COLLECTIONS else "",
        typed=typed or Typed(),
        formats=[(name, name) for name in _FORMATS if name in FORMAT_TRAITS],
        problem=problem,
    )


async def create(request: Request, services: Services, form: FormData) -> str | Response:
    """Where the new collection is; the page with the problem, and with what was typed."""
    typed = Typed.of(form)
    try:
        made = await normalising.create(services, typed.name, typed.pipeline())
    except ValidationError as error:
        findings = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        body = {"operations": typed.operations.splitlines(), "quality": typed.quality}
        found = request_error(RequestValidationError(findings, body=body))
        return await collections_page(request, services, typed, problem_of(found))
    except (RequestError, StoreError) as error:
        if isinstance(error, StoreUnavailable):
            raise
        return await collections_page(request, services, typed, problem_of(error))
    return address(made.name)


async def collection_page(
    request: Request, services: Services, name: str, added: Added | None = None
) -> Response:
    """Some images of a collection, behind the cursor in the address. Raises StoreError."""
    store, query = services.store.collections, request.query_params
    limit = query.get("limit", "")
    size = min(int(limit[:4]), 1000) if limit.isdecimal() and int(limit[:4]) else _IMAGES
    collection = await store.get(name)
    found = await store.page(name, query.get("cursor"), size)
    limits = services.settings.limits
    return page(
        request,
        "collection.html",
        collection=collection,
        operations=operation_texts(collection.pipeline.operations),
        encode=encode_text(collection.pipeline.encode),
        shown=_shown(collection),
        found=found,
        first="cursor" in query and address(name) + _cursor(limit=limit),
        next=found.next and address(name) + _cursor(found.next, limit),
        added=added,
        max_files=min(limits.max_files, _FILES_A_REQUEST),
        max_image=limits.max_image_bytes,
        max_body=services.settings.server.max_body,
        extensions=" ".join(FORMAT_BY_EXTENSION),
    )


async def add_files(request: Request, services: Services, name: str) -> Added:
    """The plain form, where there are no scripts. Raises what adding images raises."""
    limits, store = services.settings.limits, services.store.collections

    def check(form: FormData) -> None:
        check_token(request, form.get(FORM_TOKEN))

    with MemoryFile() as held:
        files = await receive_files(request, held, limits.max_image_bytes, limits.max_files, check)
        collection = await store.get(name)
        return await normalising.add(store, services.dispatcher, collection, files, held)


def confirmed(form: FormData) -> None:
    """Raises InvalidRequest for a removal whose box is not ticked."""
    if form.get("confirm") != "yes":
        detail = "tick the box that says that it is meant"
        raise InvalidRequest(detail, [("/confirm", detail)])


async def _card(services: Services, collection: Collection) -> Card:
    found = await services.store.collections.page(collection.name, None, _SAMPLES)
    return Card(
        collection,
        operation_texts(collection.pipeline.operations),
        encode_text(collection.pipeline.encode),
        found.total,
        found.images,
        _shown(collection),
    )


def _shown(collection: Collection) -> bool:
    """Whether browsers show its images."""
    return collection.pipeline.encode.get("format", "jpeg") in BROWSERS_SHOW


def _cursor(behind: str = "", limit: str = "") -> str:
    given = {"cursor": behind, "limit": limit}
    asked = urlencode({name: value for name, value in given.items() if value})
    return f"?{asked}" if asked else ""
