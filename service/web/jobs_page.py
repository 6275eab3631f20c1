"""The form for a batch, and the list of jobs with its query in the address."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import Request, Response
from starlette.datastructures import FormData

from processors.errors import OperationError, ProcessorError
from processors.formats import FORMAT_TRAITS
from schemas.batches import BatchRequest
from schemas.jobs import JobState
from service import submission
from service.errors import InvalidRequest, RequestError, kind_of
from service.job_list import jobs_page
from service.jobs.templates import PLACEHOLDERS
from service.problems import problem_of
from service.recipes import resolved
from service.remote.urls import Url
from service.services import Services
from service.storage import StorageError
from service.store.errors import CursorRefused, StoreError
from service.submission import check_batch
from service.web.batch_form import BatchForm, field_faults
from service.web.dry_run import DryRun, check_found, dry_run
from service.web.job_view import readable_seconds, words_of
from service.web.paths import as_written
from service.web.rendering import page

_LISTED = 20
_MOST_ROOTS = 6
_STATES: tuple[JobState, ...] = get_args(JobState)
_FORMATS = (("", "by the extension"), *((name, name) for name in FORMAT_TRAITS))
_OURS = (RequestError, ProcessorError, StorageError, StoreError)


async def show_jobs(request: Request, services: Services) -> Response:
    """The page; the form holds what the address hands over."""
    example = _example_output(services)
    try:
        form, error = BatchForm.handed(request.query_params, example), None
    except (InvalidRequest, OperationError) as refused:
        form, error = BatchForm(output=example), refused
    return await _page(request, services, form, error=error)


async def planned(request: Request, services: Services, fields: FormData) -> Response:
    """The page with what the batch in the form would do, or what is wrong with it."""
    form, plan = BatchForm(), None
    try:
        form = BatchForm.sent(fields)
        batch = await _checked(form, services)
        await check_found(batch, services)
        plan = await dry_run(batch, services)
    except _OURS as error:
        return await _page(request, services, form, error=error)
    return await _page(request, services, form, plan=plan)


async def submitted(request: Request, services: Services, fields: FormData) -> Response | str:
    """The address of the new job, or the page with what is wrong."""
    form = BatchForm()
    try:
        form = BatchForm.sent(fields)
        batch = await _checked(form, services)
        await check_found(batch, services)
        job = await submission.submitted(batch, services, None)
    except _OURS as error:
        return await _page(request, services, form, error=error)
    return f"/jobs/{job.id}"


async def _checked(form: BatchForm, services: Services) -> BatchRequest:
    """The request of the form. Raises RequestError and StoreError."""
    batch = await resolved(form.request(), services.store.recipes)
    check_batch(batch, services, services.settings.limits.max_images)
    return batch


async def _page(
    request: Request,
    services: Services,
    form: BatchForm,
    plan: DryRun | None = None,
    error: Exception | None = None,
) -> Response:
    problem = problem_of(error) if error else None
    faults = field_faults(problem)
    listed = await _listed(request, services)
    status = problem.status if problem and request.method == "POST" else 200
    return page(
        request,
        "jobs.html",
        status,
        form=_shown(form),
        plan=plan,
        faults=faults,
        # What stands beside its field is not said twice.
        problem=None if faults else problem,
        advice=kind_of(error).advice if error else "",
        formats=_FORMATS,
        recipes=[recipe.name for recipe in await services.store.recipes.all()],
        read_roots=_roots(services.settings.storage.read_roots),
        write_roots=_roots(services.settings.storage.write_roots),
        working_folder=services.storage.base,
        placeholders=PLACEHOLDERS,
        seconds=readable_seconds,
        **listed,
    )


def _shown(form: BatchForm) -> BatchForm:
    """A field for numbers can hold nothing else."""
    return form if form.quality.isdecimal() else replace(form, quality="")


async def _listed(request: Request, services: Services) -> dict[str, Any]:
    """The jobs that the address asks for, or what is wrong with its cursor."""
    given = request.query_params
    state = next((one for one in _STATES if one == given.get("state")), None)
    chosen: dict[str, str] = {} if state is None else {"state": state}
    found: dict[str, Any] = {"state": state, "states": _STATES, "list_problem": None}
    cursor = given.get("cursor")
    found["first"] = cursor and _address(chosen)
    try:
        jobs, behind = await jobs_page(services.store.jobs, state, _LISTED, cursor)
    except CursorRefused as error:
        return found | {"jobs": [], "next": None, "list_problem": problem_of(error)}
    following = behind and _address(chosen | {"cursor": behind})
    return found | {"jobs": [words_of(job) for job in jobs], "next": following}


def _address(query: Mapping[str, str]) -> str:
    return "/jobs" + (f"?{urlencode(query)}" if query else "") + "#list"


def _roots(roots: tuple[Path | Url, ...]) -> list[str]:
    """The roots as a request would name them."""
    return [as_written(root) for root in roots[:_MOST_ROOTS]]


def _example_output(services: Services) -> str:
    roots = _roots(services.settings.storage.write_roots)
    return f"{roots[-1]}/{{stem}}.webp".removeprefix("./") if roots else "{stem}.webp"
