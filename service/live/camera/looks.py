"""How viewers want the picture, and making it so."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace

import cv2

from processors.encoding import encode
from processors.errors import StepFailed
from processors.operation import Image, Operation, Size
from processors.plan import Pipeline
from processors.registry import registry
from service.engine.base import WorkItem
from service.engine.dispatch import Dispatcher
from service.errors import InvalidRequest
from service.transfer import MemoryFile, MemorySink, MemorySource

USUAL_QUALITY = 80
_TRIED = Size(1000, 1000)


@dataclass(frozen=True)
class Look:
    """A parameter set: what becomes of each frame, and at how many a second at most."""

    pipeline: Pipeline
    width: int | None = None
    fps: float | None = None

    @classmethod
    def of(cls, pipeline: Pipeline, width: int | None = None, fps: float | None = None) -> "Look":
        """JPEG by `pipeline`, in the end at most `width` wide. Raises InvalidRequest."""
        _check(pipeline)
        quality = pipeline.encode.quality or USUAL_QUALITY
        jpeg = pipeline.encode.model_copy(update={"format": "jpeg", "quality": quality})
        return cls(replace(pipeline, encode=jpeg), width, fps)

    @property
    def key(self) -> object:
        """Equal for looks that show the same."""
        steps = tuple(operation.text() for _, operation in self.pipeline.steps)
        encoded = self.pipeline.encode.model_dump_json()
        how = (self.pipeline.fidelity, self.pipeline.on_invalid)
        return steps, encoded, how, self.width, self.fps


class Maker:
    """Makes frames look as wanted; it is called from one thread at a time.

    Operations run in a worker, like those of any other image: the frame crosses as an uncompressed
    file in memory, which takes a millisecond. Without any it is encoded where it is.
    """

    def __init__(self, look: Look, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._encode = look.pipeline.encode
        self._narrowed = None if look.width is None else _narrowed(look.width)
        narrowed = () if self._narrowed is None else ((len(look.pipeline.steps), self._narrowed),)
        self._pipeline = replace(look.pipeline, steps=(*look.pipeline.steps, *narrowed))
        self._runner = asyncio.Runner() if look.pipeline.steps else None

    def make(self, image: Image) -> bytes:
        """The JPEG for a frame. Raises a ProcessorError, StorageError or EngineError."""
        if self._runner is None:
            return self.make_here(image)
        return self._runner.run(self._in_worker(image))

    def make_here(self, image: Image) -> bytes:
        """As `make`, without the operations. Raises a ProcessorError."""
        if self._narrowed is not None:
            image = self._narrowed.apply(image)
        return encode(image, "jpeg", self._encode)

    async def _in_worker(self, image: Image) -> bytes:
        with MemoryFile() as source, MemoryFile() as sink:
            source.write(cv2.imencode(".bmp", image)[1].tobytes())
            item = WorkItem(0, MemorySource(source.path), MemorySink(sink.path))
            result = await self._dispatcher.run_one(self._pipeline, item)
            if result.error is not None:
                raise result.error
            return sink.read(0, result.outputs[0].bytes)

    def close(self) -> None:
        """In the thread that called `make`."""
        if self._runner is not None:
            self._runner.close()


def _narrowed(width: int) -> Operation:
    return registry().parse({"op": "resize", "width": width, "enlarge": False})


def _check(pipeline: Pipeline) -> None:
    """Raises InvalidRequest for an operation that makes several images of one."""
    for at, operation in pipeline.steps:
        with suppress(StepFailed):  # not with the size that is tried; the frame's may fit
            if len(operation.output_sizes(_TRIED)) > 1:
                detail = f"{operation.op} makes several images of one: a stream shows one"
                raise InvalidRequest(detail, [(f"/operations/{at}", detail)])
