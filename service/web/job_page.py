"""One job, and what became of one of its images."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from processors.errors import ProcessorError
from processors.probing import probe
from schemas.problems import Problem
from schemas.results import ImageResult, Output, Status
from service.job_results import result_of
from service.problems import problem_of
from service.services import Services
from service.storage import Storage, StorageError
from service.store.jobs import StoredResult
from service.views import RESULT
from service.web.job_view import JobWords, readable_seconds, words_of
from service.web.rendering import page

_TILES, _ROWS, _PICTURES = 48, 25, 60


@dataclass(frozen=True)
class Tile:
    """A result of the contact sheet; `there` tells whether its first output still is."""

    result: ImageResult
    there: bool


async def show_job(
    request: Request, services: Services, id: str, shown: Status, after: int, failures: int
) -> Response:
    """The page of a job: from the result behind `after`, and the failure behind `failures`.

    Raises NotStored and StoreUnavailable.
    """
    words = words_of(await services.store.jobs.get(id))
    failed = await services.store.jobs.results(id, failures, _ROWS, "failed")
    made = await services.store.jobs.results(id, after, _TILES, shown)
    found = [RESULT.validate_json(one.content) for one in made]
    place: dict[str, str] = {"shown": shown} if shown != "succeeded" else {}
    return page(
        request,
        "job.html",
        words=words,
        job=words.job,
        seconds=readable_seconds,
        failures=[RESULT.validate_json(one.content) for one in failed],
        more_failures=_next(id, {}, "failures", failed, _ROWS),
        first_failures=failures and f"/jobs/{id}#failures",
        tiles=await asyncio.to_thread(_tiles, found, services.storage),
        shown=shown,
        more=_next(id, place, "after", made, _TILES),
        first=after and _address(id, place),
    )


async def show_result(request: Request, services: Services, id: str, index: int) -> Response:
    """The page of one image: original beside results, or what went wrong.

    Raises NotStored and StoreUnavailable.
    """
    words = words_of(await services.store.jobs.get(id))
    result = await result_of(services.store.jobs, id, index)
    original, problem = await asyncio.to_thread(_original, services.storage, result)
    outputs = result.outputs[:_PICTURES]
    there = await asyncio.to_thread(_there, outputs, services.storage)
    return page(
        request,
        "job_result.html",
        words=words,
        job=words.job,
        result=result,
        step=words.step_of(result),
        original=original,
        unreadable=problem,
        outputs=list(zip(outputs, there, strict=True)),
        **_neighbours(words, index),
    )


def _tiles(results: list[ImageResult], storage: Storage) -> list[Tile]:
    return [Tile(one, all(_there(one.outputs[:1], storage))) for one in results]


def _there(outputs: tuple[Output, ...], storage: Storage) -> list[bool]:
    return [storage.holds_output(one.path, one.bytes) for one in outputs]


def _original(
    storage: Storage, result: ImageResult
) -> tuple[tuple[int, int] | None, Problem | None]:
    """Width and height of the input, upright, or why it cannot be shown."""
    if result.error and any(fault.pointer.endswith("/input") for fault in result.error.errors):
        return None, result.error  # its header alone may be sound
    try:
        header = probe(storage.read(result.input))
    except (StorageError, ProcessorError) as error:
        return None, problem_of(error)
    turned = header.orientation > 4
    size = (header.height, header.width) if turned else (header.width, header.height)
    return size, None


def _neighbours(words: JobWords, index: int) -> dict[str, Any]:
    place = f"/jobs/{words.job.id}/results/"
    return {
        "previous": f"{place}{index - 1}" if index > 0 else None,
        "next": f"{place}{index + 1}" if index + 1 < words.job.counts.total else None,
    }


def _next(
    id: str, place: dict[str, str], name: str, found: list[StoredResult], page_size: int
) -> str | None:
    if len(found) < page_size:
        return None
    return _address(id, place | {name: str(found[-1].seq)}, name)


def _address(id: str, query: dict[str, str], name: str = "after") -> str:
    fragment = "failures" if name == "failures" else "results"
    return f"/jobs/{id}" + (f"?{urlencode(query)}" if query else "") + f"#{fragment}"
