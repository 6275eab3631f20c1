"""One image: what is known of it, and a form that shows what a filter makes of it."""

from typing import Any
from urllib.parse import quote

from fastapi import Request, Response

from processors.errors import ProcessorError
from processors.inspection import Inspection, Report
from processors.operation import Size
from processors.registry import registry
from schemas.library import LibraryImage
from schemas.problems import Problem
from service.engine.base import EngineError, WorkItem
from service.errors import kind_of
from service.problems import problem_of
from service.services import Services
from service.transfer import MemoryFile, MemorySink
from service.web.rendering import page

_SIMILAR, _DISTANCE = 12, 12
_BROWSERS_SHOW = ("jpeg", "png", "webp", "gif", "avif")
_FIRST = ("grayscale", "lowpass", "square_crop", "dx", "dy", "rotate")
"""What the form offers before the families."""


async def image_page(
    request: Request, services: Services, id: str, filter: str, value: str
) -> Response:
    """The page of an image. Raises NotStored and StoreError."""
    image = await services.store.images.get(id)
    text = f"{filter}={value}" if value else filter
    fault = _fault(text, image) if filter else None
    return page(
        request,
        "image.html",
        image=image,
        filter=filter,
        value=value,
        hint="by default",
        filters=_filters(),
        fault=fault,
        result=_result(image, text) if filter and fault is None else "",
        lab=f"/lab?image={image.id}" + (f"&operations={quote(text)}" if filter else ""),
        similar=await services.library.similar(id, _SIMILAR, _DISTANCE),
        **await _inspected(image, services),
    )


def _filters() -> list[tuple[str, list[tuple[str, str]]]]:
    """The choices of the form: family, and name and label of each of its operations."""
    families: dict[str, list[tuple[str, str]]] = {
        "often used": [(name, _label(name)) for name in _FIRST]
    }
    for operation in registry():
        family = registry().family(operation).replace("_", " ")
        if operation.name() not in _FIRST:
            families.setdefault(family, []).append((operation.name(), _label(operation.name())))
    return list(families.items())


def _label(name: str) -> str:
    """The name with the value of its example: how a value is written."""
    example = registry().get(name).example.partition("=")[2]
    return f"{name} ({example})" if example else name


def _fault(text: str, image: LibraryImage) -> Problem | None:
    """What is wrong with an operation, as far as it can be told from the image's size."""
    try:
        registry().parse(text).output_sizes(Size(image.width, image.height))
    except ProcessorError as error:
        return problem_of(error)
    return None


def _result(image: LibraryImage, text: str) -> str:
    """Where the processed image is, made when it is asked for, in a format that browsers show."""
    format = "" if image.format in _BROWSERS_SHOW else "&format=webp"
    return f"/v1/images/{image.id}/content?operations={quote(text, safe='')}{format}"


async def _inspected(image: LibraryImage, services: Services) -> dict[str, Any]:
    """Histogram and metadata, or why there are none."""
    with MemoryFile() as sink:
        source = services.library.folder.source(image.path)
        item = WorkItem(0, source, MemorySink(sink.path))
        try:
            result = await services.dispatcher.run_one(Inspection(), item)
        except EngineError as error:
            return _uninspected(error)
        if result.error is not None:
            return _uninspected(result.error)
        report = Report.model_validate_json(sink.read(0, result.outputs[0].bytes))
    return {"report": report, "curves": _curves(report), "problem": None, "advice": ""}


def _uninspected(error: Exception) -> dict[str, Any]:
    advice = kind_of(error).advice
    return {"report": None, "curves": [], "problem": problem_of(error), "advice": advice}


def _curves(report: Report) -> list[tuple[str, str]]:
    """The channel and the SVG path of each histogram, in a box of 256 x 100.

    The square root is drawn: one level with most of the pixels does not hide the others.
    """
    shown = {name: counts for name, counts in report.histogram.items() if name != "alpha"}
    most = max((max(counts) for counts in shown.values()), default=0) or 1
    return [
        (name, "M0 100" + "".join(_step(level, count / most) for level, count in enumerate(counts)))
        for name, counts in shown.items()
    ]


def _step(level: int, share: float) -> str:
    return f"L{level} {100 - 100 * share**0.5:.1f}" + ("L256 100Z" if level == 255 else "")
