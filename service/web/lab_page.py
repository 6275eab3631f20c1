"""What the lab starts with, and the plan that it shows."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from processors.pipeline import Runner
from processors.plan import Plan
from processors.probing import Header, ImageFormat, probe
from processors.registry import registry
from schemas.batches import PipelineRequest
from service.errors import InvalidRequest
from service.services import Services

HEAD_BYTES = 256 * 1024
"""Nearly every header lies in here."""


class LabStep(BaseModel):
    """A step after rewriting, and the sizes of the images after it."""

    step: str
    sizes: list[tuple[int, int]]
    exact: bool = Field(description="Whether the sizes are known; else they are the largest.")


class LabPlan(BaseModel):
    """What a pipeline would do to one image."""

    decode: str
    decoded: tuple[int, int] = Field(description="Width and height before the first step.")
    steps: list[LabStep]
    sizes: list[tuple[int, int]] = Field(description="Of the results.")
    rewrites: list[str]
    format: ImageFormat
    peak_bytes: int


def steps_of(texts: Sequence[str]) -> str:
    """The operations of an address, as text or as a JSON array, in the form that the lab reads.

    Empty for none. Raises OperationError, and InvalidRequest for what is not JSON.
    """
    found = [one for text in texts for one in _written(text)]
    operations = [registry().parse(one) for one in found]
    steps = [
        {"op": one.op} | one.model_dump(mode="json", exclude_defaults=True) for one in operations
    ]
    return json.dumps({"steps": steps}) if steps else ""


def _written(text: str) -> list[Any]:
    if not text.lstrip().startswith("["):
        return [text]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the address has operations that are not JSON: {error}") from None
    return found if isinstance(found, list) else [found]


async def lab_plan(
    services: Services, request: PipelineRequest, image: str | None, head: bytes
) -> LabPlan:
    """The plan for an image of the library, or for a file that begins with `head`.

    Raises NotStored, StoreError and ProcessorError.
    """
    header = await (_stored(services, image) if image else asyncio.to_thread(probe, head))
    runner = Runner(request.pipeline(), services.limits)
    return _shown(await asyncio.to_thread(runner.plan, header, None))


async def _stored(services: Services, id: str) -> Header:
    image = await services.store.images.get(id)
    source = services.library.folder.source(image.path)
    return await asyncio.to_thread(lambda: probe(source.read(services.storage)))


def _shown(plan: Plan) -> LabPlan:
    return LabPlan(
        decode=plan.decode.describe(),
        decoded=plan.decode.size(plan.header),
        steps=[
            LabStep(step=one.step.describe(), sizes=[*one.sizes], exact=one.exact)
            for one in plan.steps
        ],
        sizes=[*plan.sizes],
        rewrites=[*plan.rewrites],
        format=plan.format,
        peak_bytes=plan.peak_bytes,
    )
