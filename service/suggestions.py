"""Which key a client may have meant."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import fields

from fastapi.routing import APIRoute
from pydantic import BaseModel

from processors.encoding import EncodeOptions
from processors.registry import registry
from schemas.batches import BatchRequest, ImagePair, VariantRequest
from schemas.process import ProcessQuery
from schemas.stream import StreamRequest


def nearest(key: str, known: Iterable[str]) -> str:
    """A question with the known key nearest to `key`; else the known ones."""
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if names else ""


def known_keys(origin: object, location: Sequence[str | int], route: object) -> list[str]:
    """The keys that the object at pydantic's `location` (its last part left out) may have.

    `origin` is body, query, form or message (of a stream), `route` what answers the request.
    """
    parts = [part for part in location[:-1] if isinstance(part, str)]
    if not parts:
        return _top_level(str(origin), route)
    if "operations" in parts:
        return list(registry().get(parts[-1]).parameters())
    if parts[-1] == "variants":
        return _fields(VariantRequest)
    if parts[-1] == "images":
        return [field.name for field in fields(ImagePair)]
    return _fields(EncodeOptions)


def _fields(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def _top_level(origin: str, route: object) -> list[str]:
    if origin == "form":
        return [*_fields(ProcessQuery), "encode"]
    if origin == "message":
        return _fields(StreamRequest)
    if not isinstance(route, APIRoute):  # a request file of the command line
        return _fields(BatchRequest)
    body = [route.body_field] if route.body_field else []
    return [
        name
        for field in (body if origin == "body" else route.dependant.query_params)
        for name in _names(field.field_info.annotation, field.alias)
    ]


def _names(annotation: object, alias: str) -> list[str]:
    """The fields of a model that stands for a whole query or body; else the name itself."""
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return _fields(annotation) if is_model else [alias]  # type: ignore[arg-type]
