"""How the visitor of the camera's page wants the picture: as the fields of its form say it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from processors.errors import ProcessorError
from schemas.camera import StreamQuery
from schemas.problems import Problem
from service.camera_looks import look_pipeline
from service.errors import RequestError
from service.handlers import request_error
from service.live.camera.looks import Look
from service.problems import problem_of
from service.services import Services
from service.store.base import StoreError

_FIELDS = ("operations", "recipe", "quality", "fps", "width")
_MOST_TEXT = 10_000
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class WantedLook:
    """What the form's fields hold, the operations one a line, and what is wrong with it."""

    operations: str
    recipe: str
    quality: str
    fps: str
    width: str
    problem: Problem | None = None

    @property
    def query(self) -> str:
        """As the query of a stream."""
        return urlencode(_pairs(self))

    @property
    def effect(self) -> str:
        """The part of the query that pictures are taken with."""
        kept = ("operations", "recipe")
        return urlencode([pair for pair in _pairs(self) if pair[0] in kept])


def look_of(pairs: Pairs) -> WantedLook:
    """From the fields of a form or an address; others are left out."""
    given = dict.fromkeys(_FIELDS, "")
    for name, text in pairs:
        if name in given:
            given[name] = "\n".join(filter(None, (given[name], text.strip())))[:_MOST_TEXT]
    operations, recipe, quality, fps, width = (given[name] for name in _FIELDS)
    return WantedLook(operations, recipe, quality, fps, width)


def look_in(query: str) -> WantedLook:
    """As `look_of`, from a query."""
    return look_of(parse_qsl(query[:_MOST_TEXT]))


async def checked(look: WantedLook, services: Services) -> WantedLook:
    """`look` with what is wrong with it, as far as it can be told without a picture."""
    try:
        wanted = stream_query(look)
        pipeline = await look_pipeline(wanted, services, wanted.quality)
        Look.of(pipeline, wanted.width, wanted.fps)
    except RequestValidationError as error:
        return replace(look, problem=problem_of(request_error(error)))
    except (RequestError, ProcessorError, StoreError) as error:
        return replace(look, problem=problem_of(error))
    return look


def stream_query(look: WantedLook) -> StreamQuery:
    """Raises RequestValidationError."""
    asked: dict[str, object] = dict(_pairs(look))
    asked |= {"operations": _lines(look.operations)}
    try:
        return StreamQuery.model_validate(asked)
    except ValidationError as error:
        raise form_error(error) from None


def form_error(error: ValidationError) -> RequestValidationError:
    """What is wrong with a form, by field."""
    return RequestValidationError(
        [{**item, "loc": ("query", *item["loc"])} for item in error.errors()]
    )


def _pairs(look: WantedLook) -> list[tuple[str, str]]:
    lines = [("operations", line) for line in _lines(look.operations)]
    others = [(name, getattr(look, name)) for name in _FIELDS[1:]]
    return lines + [pair for pair in others if pair[1]]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
