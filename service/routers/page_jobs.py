"""Jobs in a browser: submit, watch, cancel, do again, look at what they made."""

from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from schemas.results import Status
from service.dependencies import ServicesDependency
from service.jobs.stored import now
from service.web.job_page import show_job, show_result
from service.web.jobs_page import planned, show_jobs, submitted
from service.web.routes import page_router, plain_form

router = page_router()

Id = Annotated[str, Path(max_length=100)]
Place = Annotated[int, Query(ge=0, lt=2**53)]


@router.get("/jobs")
async def jobs(request: Request, services: ServicesDependency) -> Response:
    return await show_jobs(request, services)


@router.post("/jobs")
async def submit(request: Request, services: ServicesDependency) -> Response:
    """Both buttons of the form: a dry run shows the plan, the other leads to the new job."""
    form = await plain_form(request)
    if form.get("action") == "plan":
        return await planned(request, services, form)
    answer = await submitted(request, services, form)
    return RedirectResponse(answer, 303) if isinstance(answer, str) else answer


@router.get("/jobs/{id}")
async def job(
    id: Id,
    request: Request,
    services: ServicesDependency,
    shown: Status = "succeeded",
    after: Place = 0,
    failures: Place = 0,
) -> Response:
    return await show_job(request, services, id, shown, after, failures)


@router.get("/jobs/{id}/results/{index}")
async def result(
    id: Id,
    index: Annotated[int, Path(ge=0, lt=2**31)],
    request: Request,
    services: ServicesDependency,
) -> Response:
    return await show_result(request, services, id, index)


@router.post("/jobs/{id}/cancel")
async def cancel(id: Id, request: Request, services: ServicesDependency) -> Response:
    await plain_form(request)
    await services.store.jobs.cancel(id, now())
    services.runner.hurry()
    return RedirectResponse(f"/jobs/{id}", 303)


@router.post("/jobs/{id}/retry")
async def retry(id: Id, request: Request, services: ServicesDependency) -> Response:
    await plain_form(request)
    await services.store.jobs.retry(id)
    services.runner.start()
    services.runner.hurry()
    return RedirectResponse(f"/jobs/{id}", 303)


@router.post("/jobs/{id}/delete")
async def delete(id: Id, request: Request, services: ServicesDependency) -> Response:
    await plain_form(request)
    await services.store.jobs.remove(id)
    return RedirectResponse("/jobs", 303)
