"""What a job has made of an image, and the image itself, to look at."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from processors.encoding import EncodeOptions
from processors.formats import FORMAT_TRAITS
from processors.plan import Pipeline
from processors.registry import registry
from service.answers import image_response
from service.dependencies import ServicesDependency
from service.engine.base import WorkItem
from service.job_results import result_of
from service.services import Services
from service.store.errors import NotStored
from service.transfer import FileSource, MemoryFile, MemorySink, Source, WrittenSource
from service.uploads import BINARY

router = APIRouter(prefix="/v1/jobs/{id}/results/{index}", tags=["jobs"])

Id = Annotated[str, Path(max_length=100)]
Index = Annotated[int, Path(ge=0, lt=2**31)]
Size = Annotated[int, Query(ge=16, le=4096, description="Pixels a side, at most.")]

_QUALITY = 72
_FOR_GOOD = "private, max-age=86400, immutable"
_FOR_A_MOMENT = "private, max-age=60"
_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The image, made smaller, as WebP.",
        "content": {FORMAT_TRAITS["webp"].media_type: BINARY},
    }
}


@router.get(
    "/outputs/{number}",
    summary="A result, made smaller",
    response_class=Response,
    responses=_RESPONSES,
)
async def get_output(
    id: Id,
    index: Index,
    number: Annotated[int, Path(ge=0, lt=2**31, description="Of its outputs, from 0.")],
    services: ServicesDependency,
    size: Size = 480,
) -> Response:
    """What this job wrote, and nothing that has replaced it since."""
    result = await result_of(services.store.jobs, id, index)
    if number >= len(result.outputs):
        raise NotStored(f"image {index} of the job {id} has {len(result.outputs)} outputs")
    output = result.outputs[number]
    return await _reduced(services, WrittenSource(output.path, output.bytes), size, _FOR_GOOD)


@router.get(
    "/input", summary="Its input, made smaller", response_class=Response, responses=_RESPONSES
)
async def get_input(
    id: Id, index: Index, services: ServicesDependency, size: Size = 480
) -> Response:
    """The file as it is now."""
    result = await result_of(services.store.jobs, id, index)
    return await _reduced(services, FileSource(result.input), size, _FOR_A_MOMENT)


async def _reduced(services: Services, source: Source, size: int, kept: str) -> Response:
    steps = ((0, registry().parse(f"thumbnail={size}x{size}")),)
    pipeline = Pipeline(steps, EncodeOptions(format="webp", quality=_QUALITY))
    with MemoryFile() as sink:
        item = WorkItem(0, source, MemorySink(sink.path))
        result = await services.dispatcher.run_one(pipeline, item)
        if result.error is not None:
            raise result.error
        answer = await image_response(result, sink, None, 0)
    answer.headers["Cache-Control"] = kept
    return answer
