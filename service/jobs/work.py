"""What a batch does to each of its images, as items of work for the engine."""

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field

from processors.encoding import EncodeOptions
from processors.plan import Pipeline
from processors.variants import Variant, Variants
from schemas.batches import BatchRequest, VariantRequest
from service.engine.base import Known, WorkItem
from service.jobs.expansion import BatchImage
from service.transfer import FileSink, FileSinks, FileSource, Sink

_CACHED = 64


def variants_of(requests: Sequence[VariantRequest], encode: EncodeOptions) -> tuple[Variant, ...]:
    """Variants as the engine has them; `encode` is what the batch says."""
    return tuple(
        Variant(
            tuple(
                ((number, at), operation)
                for at, operation in zip(one.positions, one.operations, strict=True)
            ),
            encode.model_copy(update=one.encode.model_dump(exclude_unset=True)),
        )
        for number, one in enumerate(requests)
    )


@dataclass(slots=True)
class BatchWork:
    """The pipeline of a batch, and the variants behind it, if it has any."""

    pipeline: Pipeline
    variants: tuple[Variant, ...] = ()
    _packed: dict[str, bytes] = field(default_factory=dict)

    @property
    def usual(self) -> Pipeline | Variants:
        """What is done to an image that says nothing of its own."""
        return Variants(self.pipeline, self.variants) if self.variants else self.pipeline

    def is_usual(self, image: BatchImage) -> bool:
        """Whether nothing else is done to it."""
        return image.variants is None and len(image.outputs) == max(1, len(self.variants))

    def variant(self, image: BatchImage, number: int) -> int | None:
        """The variant that output `number` of `image` is of; None for its own output."""
        count = len(self.variants if image.variants is None else image.variants)
        at = number - (len(image.outputs) - count)
        return at if count and at >= 0 else None

    def job(self, image: BatchImage) -> Pipeline | Variants:
        """What is done to `image`: its first output may be that of the batch's own operations."""
        variants = self.variants
        if image.variants is not None:
            own = [VariantRequest.model_validate(one) for one in image.variants]
            variants = variants_of(own, self.pipeline.encode)
        if len(image.outputs) > len(variants):
            if not variants:
                return self.pipeline
            variants = (Variant((), self.pipeline.encode), *variants)
        return Variants(self.pipeline, variants)

    def item(
        self, index: int, image: BatchImage, repeatable: bool, known: Known | None = None
    ) -> WorkItem:
        """The item for `image`, number `index` of the batch; the rest is as in WorkItem."""
        pipeline = None if self.is_usual(image) else self._pickled(image)
        sink: Sink = FileSinks(image.outputs, image.open)
        if len(image.outputs) == 1 and not image.open:
            sink = FileSink(image.output)
        return WorkItem(index, FileSource(image.input), sink, repeatable, pipeline, known)

    def _pickled(self, image: BatchImage) -> bytes:
        """The job of an image that is not the usual one: the same bytes for images alike."""
        own = json.dumps([image.variants, len(image.outputs)])
        if own not in self._packed:
            if len(self._packed) >= _CACHED:
                self._packed.clear()
            self._packed[own] = pickle.dumps(self.job(image))
        return self._packed[own]


def work_for(request: BatchRequest) -> BatchWork:
    """The work that `request` asks for."""
    return BatchWork(request.pipeline(), variants_of(request.variants, request.encode))
