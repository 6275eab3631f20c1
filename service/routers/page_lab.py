"""The lab: a pipeline, step by step, on an image."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from processors.errors import OperationError
from schemas.batches import PipelineRequest
from service.dependencies import ServicesDependency
from service.errors import InvalidRequest
from service.problems import problem_of
from service.transfer import MemoryFile
from service.uploads import receive
from service.web.lab_page import HEAD_BYTES, LabPlan, lab_plan, steps_of
from service.web.paths import below
from service.web.rendering import page

# Not that of pages: a script asks for the plan, and reads problems as JSON.
router = APIRouter(include_in_schema=False)

_MAX_PIPELINE = 60_000


@router.get("/lab")
async def show_lab(
    request: Request,
    services: ServicesDependency,
    operations: Annotated[list[str] | None, Query(max_length=1000)] = None,
) -> Response:
    try:
        steps, problem = steps_of(operations or ()), None
    except (OperationError, InvalidRequest) as error:
        steps, problem = "", problem_of(error)
    image = request.query_params.get("image", "")
    library = below(services.settings.store.library)
    return page(request, "lab.html", steps=steps, image=image, problem=problem, library=library)


@router.post("/lab/plan")
async def plan(
    request: Request,
    services: ServicesDependency,
    pipeline: Annotated[str, Query(max_length=_MAX_PIPELINE)],
    image: Annotated[str | None, Query(max_length=100)] = None,
) -> LabPlan:
    """For an image of the library, or for the beginning of a file as the body."""
    try:
        wanted = PipelineRequest.model_validate_json(pipeline)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    services.check_counts((), wanted.operations)
    if image is not None:
        return await lab_plan(services, wanted, image, b"")
    with MemoryFile() as held:
        await receive(request, held, HEAD_BYTES)
        return await lab_plan(services, wanted, None, held.read(0, HEAD_BYTES))
