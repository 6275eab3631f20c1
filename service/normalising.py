"""Images for a collection: each goes through the collection's pipeline, in the workers."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from processors.errors import StepFailed
from processors.jobs import Job
from processors.operation import Size
from processors.plan import Pipeline
from schemas.batches import PipelineRequest
from schemas.collections import Added, Collection, CollectionImage, CollectionPipeline, Refused
from schemas.problems import Problem
from service.engine.base import ItemResult, WorkItem
from service.engine.dispatch import Dispatcher
from service.errors import InvalidRequest
from service.problems import problem_of
from service.services import Services
from service.store.base import CollectionStore, NameRefused, NotStored
from service.store.names import check_collection, check_image
from service.transfer import InlineSink, MemoryFile, MemorySource
from service.uploads import Received

_TRIED = Size(1000, 1000)


def pipeline_of(settings: CollectionPipeline) -> Pipeline:
    """What the collection does to an image. Raises ValidationError."""
    return PipelineRequest.model_validate(settings.model_dump()).pipeline()


def check(pipeline: Pipeline) -> None:
    """Raises InvalidRequest for an operation that makes several images of one."""
    for at, operation in pipeline.steps:
        with suppress(StepFailed):  # not with the image that is tried; others may fit
            if len(operation.output_sizes(_TRIED)) > 1:
                detail = f"{operation.op} makes several images of one: a collection keeps one"
                raise InvalidRequest(detail, [(f"/operations/{at}", detail)])


async def create(services: Services, name: str, pipeline: CollectionPipeline) -> Collection:
    """A new collection. Raises ValidationError, InvalidRequest and StoreError."""
    services.check_counts((), pipeline.operations)
    check(pipeline_of(pipeline))
    return await services.store.collections.create(name, pipeline)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: exactly one of inserted, existing and failed."""

    name: str
    inserted: bool = False
    error: Problem | None = None


async def collection_of(store: CollectionStore, name: str) -> Collection:
    """The collection that files are added to, created with the usual pipeline when it is missing.

    Raises StoreError.
    """
    check_collection(name)
    try:
        return await store.get(name)
    except NotStored:
        return await store.create(name, CollectionPipeline())


async def add(
    store: CollectionStore,
    dispatcher: Dispatcher,
    collection: Collection,
    files: Sequence[Received],
    held: MemoryFile,
) -> Added:
    """As `outcomes`, by what became of the files."""
    found = await outcomes(store, dispatcher, collection, files, held)
    return Added(
        collection=collection.name,
        inserted=[one.name for one in found if one.inserted],
        existing=[one.name for one in found if one.error is None and not one.inserted],
        failed=[Refused(name=one.name, error=one.error) for one in found if one.error is not None],
    )


async def outcomes(
    store: CollectionStore,
    dispatcher: Dispatcher,
    collection: Collection,
    files: Sequence[Received],
    held: MemoryFile,
    job_of: Callable[[Pipeline], Job] = lambda pipeline: pipeline,
) -> list[Outcome]:
    """Normalise `files` and store what is new. A file that cannot be an image of it fails alone.

    All that is inserted is stored at once: an error of the store means that nothing was
    acknowledged. `job_of` is for files that are no images yet. Raises StoreError and EngineClosed.
    """
    failed: dict[int, Problem] = {}
    images: dict[int, CollectionImage] = {}
    items: list[WorkItem] = []
    for index, file in enumerate(files):
        try:
            check_image(file.name)
        except NameRefused as error:
            failed[index] = problem_of(error)
        else:
            source = MemorySource(held.path, file.offset, file.count)
            items.append(WorkItem(index, source, InlineSink()))
    async for result in dispatcher.run(job_of(_pipeline(collection)), items):
        failure = result.error or _not_one(result)
        if failure is not None:
            failed[result.index] = problem_of(failure)
        else:
            images[result.index] = _image(files[result.index].name, result)
    ordered = sorted(images)
    inserted = await store.insert(collection.name, [images[index] for index in ordered])
    new = dict(zip(ordered, inserted, strict=True))
    return [
        Outcome(file.name, new.get(index, False), failed.get(index))
        for index, file in enumerate(files)
    ]


def _pipeline(collection: Collection) -> Pipeline:
    try:
        return pipeline_of(collection.pipeline)
    except ValidationError as error:
        detail = f"the pipeline of the collection {collection.name!r} is not known any more: "
        raise InvalidRequest(detail + str(error.errors()[0]["msg"])) from None


def _not_one(result: ItemResult) -> InvalidRequest | None:
    if len(result.outputs) == 1:
        return None
    return InvalidRequest(
        f"the collection's pipeline makes {len(result.outputs)} images of one: leave out the split"
    )


def _image(name: str, result: ItemResult) -> CollectionImage:
    (output,) = result.outputs
    now = datetime.now(UTC)
    return CollectionImage(
        name=name,
        width=output.width,
        height=output.height,
        bytes=output.bytes,
        sha256=hashlib.sha256(base64.b64decode(output.path)).hexdigest(),
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        image_base64=output.path,
    )
