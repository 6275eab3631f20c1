"""Jobs: progress, results as they come, cancel, retry."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from schemas.jobs import ENDED, Job, JobPage, JobResults, JobState
from schemas.results import Status
from service.dependencies import ServicesDependency
from service.job_list import jobs_page
from service.jobs.stored import now
from service.services import Services
from service.store.errors import NotStored, StoreUnavailable
from service.views import job_view

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Id = Annotated[str, Path(max_length=100)]
_PAGE = 500
_POLL_SECONDS = 1.0
"""Another process may run the job: then nothing here tells that it went on."""

_HEARTBEAT_POLLS = 15
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("", summary="All jobs")
async def list_jobs(
    services: ServicesDependency,
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> JobPage:
    """The latest first."""
    page, next = await jobs_page(services.store.jobs, state, limit, cursor)
    return JobPage(jobs=[job_view(job) for job in page], next=next)


@router.get("/{id}", summary="One job")
async def get_job(id: Id, services: ServicesDependency) -> Job:
    return job_view(await services.store.jobs.get(id))


@router.get("/{id}/results", summary="What became of its images", response_model=JobResults)
async def get_results(
    id: Id,
    services: ServicesDependency,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int, Query(ge=0, description="`next` of the page before.")] = 0,
) -> Response:
    """In the order in which they were done. Results that come later are behind the last page."""
    await services.store.jobs.get(id)
    found = await services.store.jobs.results(id, cursor, limit, status)
    results = ",".join(result.content for result in found)
    behind = json.dumps(found[-1].seq if len(found) == limit else None)
    content = f'{{"results":[{results}],"next":{behind}}}'
    return Response(content, media_type="application/json")


@router.get(
    "/{id}/results.ndjson", summary="All results, a line each", response_class=StreamingResponse
)
async def stream_results(
    id: Id, services: ServicesDependency, status: Status | None = None
) -> StreamingResponse:
    """Those that there are, in the order in which they were done."""
    await services.store.jobs.get(id)
    lines = _lines(services, id, status)
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=_STREAM_HEADERS)


@router.get("/{id}/events", summary="Results as they come", response_class=StreamingResponse)
async def stream_events(
    id: Id,
    services: ServicesDependency,
    last_event_id: Annotated[
        int, Header(ge=0, description="The last `id` that was received: nothing is missed.")
    ] = 0,
    after: Annotated[
        int, Query(ge=0, description="Where to begin, for clients that cannot set the header.")
    ] = 0,
) -> StreamingResponse:
    """Server-sent events: `result` for each image, `progress`, and `end` with the job."""
    await services.store.jobs.get(id)
    events = _events(services, id, max(after, last_event_id))
    return StreamingResponse(events, media_type="text/event-stream", headers=_STREAM_HEADERS)


@router.post("/{id}/cancel", status_code=202, summary="Cancel a job")
async def cancel_job(id: Id, services: ServicesDependency) -> Job:
    """Images under way are finished; those that wait are not begun."""
    job = await services.store.jobs.cancel(id, now())
    services.runner.hurry()
    return job_view(job)


@router.post("/{id}/retry", status_code=202, summary="Do again what failed, or is still to do")
async def retry_job(id: Id, services: ServicesDependency) -> Job:
    job = await services.store.jobs.retry(id)
    services.runner.start()
    services.runner.hurry()
    return job_view(job)


@router.delete("/{id}", status_code=204, summary="Forget an ended job")
async def delete_job(id: Id, services: ServicesDependency) -> None:
    """Its images stay where they are."""
    await services.store.jobs.remove(id)


async def _lines(services: Services, id: str, status: Status | None) -> AsyncGenerator[str, None]:
    after = 0
    while found := await services.store.jobs.results(id, after, _PAGE, status):
        yield "".join(f"{result.content}\n" for result in found)
        after = found[-1].seq


async def _events(services: Services, id: str, after: int) -> AsyncGenerator[str, None]:
    silent = 0
    while True:
        changed = asyncio.wrap_future(services.runner.changed(id))
        try:
            job = await services.store.jobs.get(id)
            found = await services.store.jobs.results(id, after, _PAGE)
            for result in found:
                yield f"id: {result.seq}\nevent: result\ndata: {result.content}\n\n"
                after = result.seq
            view = job_view(job).model_dump_json()
            if job.state in ENDED and not found:
                yield f"event: end\ndata: {view}\n\n"
                return
            if found:
                yield f"event: progress\ndata: {view}\n\n"
            elif (silent := silent + 1) % _HEARTBEAT_POLLS == 0:
                yield ": still here\n\n"
            if services.ending.begun:
                return  # who reconnects, with the last id, misses nothing
            if len(found) < _PAGE and job.state not in ENDED:
                await asyncio.wait({changed}, timeout=_POLL_SECONDS)
        except (NotStored, StoreUnavailable):
            return  # forgotten meanwhile, or for a time: who reconnects is told, and goes on
        finally:
            changed.cancel()
