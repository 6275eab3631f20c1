"""Bytes to frames, and frames to bytes: GIF, WebP and PNG (APNG).

Frames are whole pictures: what a file states as changes of the frame before is laid together here,
and taken apart again by the encoders, which also store a run of equal frames as one that is shown
as long. OpenCV 5.0 reads and writes WebP and APNG; Pillow 13.0 does it for GIF. That was measured:

    APNG    Pillow takes back the wrong picture (APNG_DISPOSE_OP_PREVIOUS before a blended frame),
            does not blend alpha as the standard says, and reads no colour of 16 bits.
    WebP    Both give the same frames, and OpenCV's files are a fifth smaller at equal quality.
    GIF     OpenCV leaves a first frame that is to be taken back (disposal 3), is twice as slow to
            read, and writes one palette of 8 by 8 by 4 levels: 21 dB of a photograph against 35 dB
            by a palette for each frame.

Sources: GIF89a, section 23, and the Netscape 2.0 extension for the number of plays; PNG (Third
Edition), section 11.3.6; RFC 9649 (WebP), section 2.7.1.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import full_scale
from processors.decoding import DecodeMode, in_srgb
from processors.encoding import EncodeOptions, check_side, within
from processors.errors import DamagedImage, EncodeError, OutOfMemory, ProcessorError, StepFailed
from processors.native_messages import NativeMessages
from processors.opencv_errors import lacks_memory, reason_of
from processors.operation import Image, Size, Step, channels_of, size_of
from processors.probing import Header, ImageFormat

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

ANIMATED: frozenset[ImageFormat] = frozenset(("gif", "webp", "png"))
"""The formats whose animations are read and written."""

_NO_MEMORY = "an animation needs more memory than a worker may use"
_PNG_CHUNK, _PNG_SIGNATURE, _MAX_CHUNKS = struct.Struct(">I4s"), 8, 100_000
_GIF_TICK = 10  # milliseconds
_GIF_CLEAR = 255
_LONGEST: dict[ImageFormat, int] = {"gif": 655_350, "webp": 0xFFFFFF, "png": 0xFFFF}
_WEBP_END = 2**31 - 1
_MOST_PLAYS = 65_535
_CLEAR_BELOW = 128


class Timeline(NamedTuple):
    """`durations` in milliseconds, one a frame; `plays` is how often all frames are shown, 0
    without end."""

    durations: list[int]
    plays: int


def decode_animation(data: bytes, header: Header, mode: DecodeMode) -> tuple[list[Image], Timeline]:
    """All frames of `data`, alike in shape and depth, in the colours that `mode` asks for; without
    alpha when all are opaque.

    Raises DamagedImage, also for fewer frames than the header counts, and OutOfMemory.
    """
    size = Size(header.width, header.height)
    with _translating(
        lambda detail: DamagedImage(f"the {header.format} animation is damaged: {detail}")
    ):
        frames, timeline = (
            _decode_gif(data, header) if header.format == "gif" else _decode(data, header)
        )
    if len(frames) != header.frames or any(size_of(frame) != size for frame in frames):
        detail = f"{header.frames} frames of {size} are announced, {len(frames)} can be read"
        raise DamagedImage(f"the {header.format} animation is damaged or truncated: {detail}")
    return in_srgb(_without_needless_alpha(frames), data, header, mode), timeline


def _without_needless_alpha(frames: list[Image]) -> list[Image]:
    if any(channels_of(frame) < 4 or frame[..., 3].min() < full_scale(frame) for frame in frames):
        return frames
    return [cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR) for frame in frames]  # type: ignore[misc]


def produce_alike(step: Step, images: list[Image], frames: int) -> list[Image]:
    """What `step` makes of animations of so many frames each, one behind the other, as they are in
    `images`. A step sees one frame at a time: one that measures its picture does so for each.

    Raises StepFailed when frames of one animation come out in different sizes.
    """
    results: list[Image] = []
    for first in range(0, len(images), frames):
        produced = [step.produce(frame) for frame in images[first : first + frames]]
        shapes = {tuple(image.shape for image in made) for made in produced}
        if len(shapes) > 1:
            raise StepFailed(step.op, _unlike(produced))
        results += (frame for part in zip(*produced, strict=True) for frame in part)
    return results


def _unlike(produced: list[list[Image]]) -> str:
    sizes = sorted({size_of(image) for made in produced for image in made})
    return (
        f"gives the frames of the animation different sizes, such as {sizes[0]} and {sizes[-1]}; "
        "use an operation that treats all alike, or a format for the first frame alone"
    )


def encode_animation(
    frames: list[Image], timeline: Timeline, format: ImageFormat, options: EncodeOptions
) -> bytes:
    """The file of an animation, in one of the formats of ANIMATED. `frames` are alike in shape:
    (H, W), (H, W, 3) or (H, W, 4), uint8, or uint16, which is rounded to 8 bits.

    GIF has time in hundredths of a second, so durations are rounded such that their sum stays, and
    pixels are opaque or clear. A PNG shows a frame for 65 seconds at most. Metadata
    are not written.

    Raises EncodeError, also when `max_bytes` cannot be kept, and OutOfMemory.
    """
    check_side(format, size_of(frames[0]))
    with _translating(lambda detail: EncodeError(f"{format}: {detail}")):
        if format == "gif":
            return within(options, format, lambda _: _encode_gif(frames, timeline))
        return within(options, format, lambda options: _encode(frames, timeline, format, options))


@contextmanager
def _translating(fault: Callable[[str], ProcessorError]) -> Iterator[None]:
    """Whatever the libraries raise becomes `fault`: broken data lead Pillow to errors of any kind.

    What they print is dropped.
    """
    try:
        with NativeMessages():
            yield
    except ProcessorError:
        raise
    except MemoryError:
        raise OutOfMemory(_NO_MEMORY) from None
    except Exception as error:  # noqa: BLE001
        if isinstance(error, cv2.error) and lacks_memory(error):
            raise OutOfMemory(_NO_MEMORY) from None
        detail = reason_of(error) if isinstance(error, cv2.error) else str(error)
        raise fault(detail or type(error).__name__) from None


def _decode(data: bytes, header: Header) -> tuple[list[Image], Timeline]:
    if header.format == "png":
        _check_chunks(data)
    found: Any
    _, found = cv2.imdecodeanimation(np.frombuffer(data, np.uint8), 0, header.frames)
    timeline = Timeline([int(duration) for duration in found.durations], found.loop_count)
    return list(found.frames), timeline


def _check_chunks(data: bytes) -> None:
    """OpenCV takes a chunk's word for its length: gigabytes, and seconds, where it is broken."""
    at = _PNG_SIGNATURE
    for _ in range(_MAX_CHUNKS):
        length, kind = _PNG_CHUNK.unpack_from(data, at)
        at += 12 + length
        if kind == b"IEND" or at > len(data):
            break
    if kind != b"IEND" or at > len(data):
        raise DamagedImage("the png animation is damaged: its chunks do not fit in the file")


def _decode_gif(data: bytes, header: Header) -> tuple[list[Image], Timeline]:
    # Imported where it is needed: still images do without.
    from PIL import Image as Pillow

    frames: list[Any] = []
    durations: list[int] = []
    with Pillow.open(BytesIO(data), formats=["GIF"]) as file:
        for index in range(header.frames):
            file.seek(index)
            frames.append(cv2.cvtColor(np.asarray(file.convert("RGBA")), cv2.COLOR_RGBA2BGRA))
            durations.append(file.info.get("duration") or 0)
        # A GIF says how often it is repeated, without end as 0, and nothing when it is not.
        repeats = file.info.get("loop")
    plays = 1 if repeats is None else repeats + 1 if repeats else 0
    return frames, Timeline(durations, plays)


def _encode(
    frames: list[Image], timeline: Timeline, format: ImageFormat, options: EncodeOptions
) -> bytes:
    frames, longest = [_shallow(frame) for frame in frames], _LONGEST[format]
    if format == "webp":
        frames = [_colour(frame) for frame in frames]
        longest = min(longest, _WEBP_END // len(frames))
    moving = cv2.Animation(min(timeline.plays, _MOST_PLAYS))
    moving.frames, moving.durations = frames, _at_most(longest, timeline.durations)
    done, data = cv2.imencodeanimation(f".{format}", moving, options.parameters(format))
    if not done:
        raise EncodeError(f"{format}: the encoder refused the {size_of(frames[0])} animation")
    return data.tobytes()


def _encode_gif(frames: list[Image], timeline: Timeline) -> bytes:
    repeats = min(timeline.plays, _MOST_PLAYS) - 1
    loop = {} if repeats == 0 else {"loop": max(repeats, 0)}
    first, *others = pictures = [_indexed(_colour(_shallow(frame))) for frame in frames]
    # What a frame clears must not show the one before.
    disposal = 2 if any("transparency" in picture.info for picture in pictures) else 1
    durations = _in_ticks(_at_most(_LONGEST["gif"], timeline.durations))
    shown: dict[str, Any] = {"duration": durations, "disposal": disposal, **loop}
    buffer = BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, **shown)
    return buffer.getvalue()


def _at_most(longest: int, durations: Iterable[int]) -> list[int]:
    return [min(duration, longest) for duration in durations]


def _in_ticks(durations: list[int]) -> list[int]:
    """Milliseconds that are multiples of GIF's unit, each frame ending at its time, rounded."""
    ends = [(end + _GIF_TICK // 2) // _GIF_TICK * _GIF_TICK for end in accumulate(durations)]
    return [after - before for before, after in pairwise([0, *ends])]


def _shallow(frame: Image) -> Image:
    if frame.dtype == np.uint8:
        return frame
    return cv2.convertScaleAbs(frame, alpha=255 / full_scale(frame))  # type: ignore[return-value]


def _colour(frame: Image) -> Image:
    return cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) if frame.ndim == 2 else frame  # type: ignore[return-value]


def _indexed(frame: Image) -> "PillowImage":
    """The frame with a palette: exact for 255 colours or fewer, else the nearest of an octree's.

    The octree takes 4 ms a megapixel and comes within 1.5 dB of the median cut, which takes 300 ms.
    """
    from PIL import Image as Pillow

    clear = frame[..., 3] < _CLEAR_BELOW if channels_of(frame) == 4 else None
    opaque = frame[..., :3].copy()
    if clear is not None:
        opaque[clear] = 0
    image = Pillow.fromarray(cv2.cvtColor(opaque, cv2.COLOR_BGR2RGB))
    few = image.getcolors(_GIF_CLEAR) is not None
    method = Pillow.Quantize.MEDIANCUT if few else Pillow.Quantize.FASTOCTREE
    found = image.quantize(_GIF_CLEAR, method)
    return found if clear is None or not clear.any() else _with_clear(found, clear)


def _with_clear(image: "PillowImage", clear: NDArray[np.bool_]) -> "PillowImage":
    from PIL import Image as Pillow

    indices = np.array(image)
    indices[clear] = _GIF_CLEAR
    found = Pillow.fromarray(indices)
    found.putpalette(bytes(image.getpalette() or ()).ljust(768, b"\0"))
    found.info["transparency"] = _GIF_CLEAR
    return found
