"""Images for a collection: each goes through the collection's pipeline, in the workers."""

import base64
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from processors.errors import StepFailed
from processors.operation import Size
from processors.plan import Pipeline
from schemas.batches import PipelineRequest
from schemas.collections import Added, Collection, CollectionImage, CollectionPipeline, Refused
from service.engine.base import ItemResult, WorkItem
from service.engine.dispatch import Dispatcher
from service.errors import InvalidRequest, problem_of
from service.store.base import CollectionStore, NameRefused
from service.store.names import check_image
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


async def add(
    store: CollectionStore,
    dispatcher: Dispatcher,
    collection: Collection,
    files: Sequence[Received],
    held: MemoryFile,
) -> Added:
    """Normalise `files` and store what is new. A file that cannot be an image of it fails alone.

    All that is inserted is stored at once: an error of the store means that nothing was
    acknowledged. Raises StoreError and EngineClosed.
    """
    failed: list[Refused] = []
    good: list[Received] = []
    for file in files:
        try:
            check_image(file.name)
            good.append(file)
        except NameRefused as error:
            failed.append(Refused(name=file.name, error=problem_of(error)))
    images: dict[int, CollectionImage] = {}
    items = [
        WorkItem(index, MemorySource(held.path, file.offset, file.count), InlineSink())
        for index, file in enumerate(good)
    ]
    async for result in dispatcher.run(_pipeline(collection), items):
        name = good[result.index].name
        failure = result.error or _not_one(result)
        if failure is not None:
            failed.append(Refused(name=name, error=problem_of(failure)))
        else:
            images[result.index] = _image(name, result)
    ordered = [images[index] for index in sorted(images)]
    inserted = await store.insert(collection.name, ordered)
    return Added(
        collection=collection.name,
        inserted=[image.name for image, new in zip(ordered, inserted, strict=True) if new],
        existing=[image.name for image, new in zip(ordered, inserted, strict=True) if not new],
        failed=failed,
    )


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
