"""The answers of a stream, as the frames that are sent."""

from processors.formats import FORMAT_TRAITS
from schemas.stream import Acknowledgement, ErrorAnswer, ImagesAnswer
from service.engine.base import ItemResult
from service.errors import INTERNAL, kind_of
from service.handlers import unexpected
from service.live.messages import Incoming
from service.problems import problem_of
from service.transfer import MemoryFile

Frames = list[str | bytes]


def images(image: Incoming, result: ItemResult, held: MemoryFile, offset: int) -> Frames:
    """All results, as they lie in `held` from `offset` on."""
    count = len(result.outputs)
    frames: Frames = []
    if count > 1:
        frames.append(ImagesAnswer(index=result.index, count=count).model_dump_json())
    for output in result.outputs:
        data = held.read(offset, output.bytes)
        frames.append(image.answered(data, FORMAT_TRAITS[output.format].media_type))
        offset += output.bytes
    return frames


def acknowledgement(result: ItemResult, milliseconds: float, skipped: int) -> str:
    """`skipped` counts the operations that were left out before."""
    first = result.outputs[0]
    found = Acknowledgement(
        index=result.index,
        width=first.width,
        height=first.height,
        bytes=sum(output.bytes for output in result.outputs),
        milliseconds=round(milliseconds, 3),
        count=len(result.outputs),
        skipped=skipped + len(result.skipped),
    )
    return found.model_dump_json()


def failure(error: Exception, index: int | None) -> str:
    """What to tell about image `index`, or about settings; the log has what nobody expected."""
    known = unexpected(error) if kind_of(error) is INTERNAL else error
    return ErrorAnswer(index=index, problem=problem_of(known)).model_dump_json()
