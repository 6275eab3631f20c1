"""Which outputs need not be made again, as they are what would be made."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, islice

import cv2

from processors.errors import Position, StepFailed
from processors.plan import Pipeline
from processors.variants import Variants
from schemas.results import Output
from service.engine.base import ItemResult, Known
from service.jobs.batch import Batch
from service.jobs.expansion import BatchImage
from service.jobs.places import Places
from service.jobs.stored import now
from service.jobs.work import BatchWork
from service.store.outputs import OutputRecord, OutputStore
from service.version import VERSION

_AT_ONCE = 1000
_ENGINE = f"{VERSION} {cv2.__version__}"


class Unchanged:
    """What the store knows of the outputs of batches, `retention` seconds behind its last use."""

    def __init__(self, outputs: OutputStore, retention: float) -> None:
        self._outputs = outputs
        self._retention = retention

    async def known(self, work: BatchWork, images: Mapping[int, BatchImage]) -> dict[int, Known]:
        """What is known of each of these, a thousand at most. Raises StoreUnavailable."""
        recipes = await asyncio.to_thread(_recipes, work, images)
        paths = await asyncio.to_thread(_keys, images.values())
        keys = dict(zip(images, paths, strict=True))
        records = {record.path: record for record in await self._outputs.known(paths)}
        return {index: _known(recipes[index], records.get(keys[index])) for index in images}

    async def known_of(self, batch: Batch) -> dict[int, Known]:
        """What is known of all images of a batch. Raises StoreUnavailable."""
        found: dict[int, Known] = {}
        images = iter(enumerate(batch.images))
        while some := dict(islice(images, _AT_ONCE)):
            found |= await self.known(batch.work, some)
        return found

    async def note(self, made: Sequence[tuple[BatchImage, ItemResult]]) -> None:
        """Remember what was made, or found unchanged. Raises StoreUnavailable."""
        if not made:
            return
        moment = now()
        paths = await asyncio.to_thread(_keys, [image for image, _ in made])
        pairs = zip(paths, made, strict=True)
        await self._outputs.put([_record(path, result, moment) for path, (_, result) in pairs])

    async def expire(self) -> None:
        """Forget what nobody has asked for. Raises StoreUnavailable."""
        await self._outputs.expire(now() - int(self._retention * 1e6))


def _recipes(work: BatchWork, images: Mapping[int, BatchImage]) -> dict[int, Known]:
    """What is done to each image."""
    found: dict[int, Known] = {}
    alike: dict[str, Known] = {}
    for index, image in images.items():
        kind = json.dumps([image.variants, len(image.outputs)])
        if kind not in alike:
            alike[kind] = _recipe(work.job(image))
        recipe = _digest(alike[kind].recipe, json.dumps(image.outputs).encode())
        found[index] = replace(alike[kind], recipe=recipe)
    return found


def _recipe(job: Pipeline | Variants) -> Known:
    pipelines = job.pipelines() if isinstance(job, Variants) else [job]
    described = json.dumps([_ENGINE, *map(_described, pipelines)])
    steps = chain.from_iterable(one.steps for one in pipelines)
    resources = {path for _, operation in steps for path in operation.resources}
    return Known(described.encode(), tuple(sorted(resources)))


def _described(pipeline: Pipeline) -> object:
    # With their positions, which the warnings that are remembered have in them.
    steps = [(at, operation.model_dump(mode="json")) for at, operation in pipeline.steps]
    encode = pipeline.encode.model_dump(mode="json")
    return [steps, encode, pipeline.fidelity, pipeline.on_invalid, pipeline.channels]


def _digest(*contents: bytes) -> bytes:
    parts = (hashlib.sha256(content).digest() for content in contents)
    return hashlib.sha256(b"".join(parts)).digest()


def _keys(images: Iterable[BatchImage]) -> list[str]:
    places = Places()
    return [places.of(image.output) for image in images]


def _known(recipe: Known, record: OutputRecord | None) -> Known:
    if record is None:
        return recipe
    files, skipped = json.loads(record.files)
    outputs = tuple((Output(**output), modified) for output, modified in files)
    failed = tuple(StepFailed(op, detail, _position(at)) for op, detail, at in skipped)
    return replace(recipe, digest=record.digest, outputs=outputs, skipped=failed)


def _position(at: int | list[int] | None) -> Position | None:
    """A position as it was before it was JSON."""
    return (at[0], at[1]) if isinstance(at, list) else at


def _record(path: str, result: ItemResult, moment: int) -> OutputRecord:
    assert result.made is not None
    pairs = zip(result.outputs, result.made.modified, strict=True)
    files = [(asdict(output), modified) for output, modified in pairs]
    skipped = [(failed.op, failed.detail, failed.step) for failed in result.skipped]
    return OutputRecord(path, result.made.digest, json.dumps([files, skipped]), moment)
