"""Animations: what is read, what becomes of each frame, and what is written."""

from typing import Any, ClassVar, Literal

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from processors.animation import decode_animation
from processors.decoding import DecodeMode
from processors.encoding import EncodeOptions
from processors.errors import DamagedImage, ImageTooLarge, ProcessorError, StepFailed
from processors.limits import Limits
from processors.operation import Image, Operation, Size
from processors.pipeline import Encoded, Runner
from processors.plan import Pipeline
from processors.probing import probe
from tests.processors.files import EXIF_ORIENTATION, file_of, pipeline, pixels_of, planned
from tests.processors.moving import (
    GIF_GREEN,
    GIF_NOTHING,
    GIF_RED,
    animated,
    apng,
    deep_apng,
    gif,
    same,
    shown,
    squares,
)
from tests.samples import photograph

LOSSLESS = EncodeOptions(lossless=True)
OPAQUE = squares((30, 200, 10))
CLEAR = squares((0, 0, 0, 0))
PHOTOGRAPHS: list[Image] = [photograph(60, 40, seed=seed) for seed in (1, 2, 3)]
WHOLE = (0, 0, 8, 8)
RED, GREEN, HALF, NOTHING = b"\xff\0\0\xff", b"\0\xff\0\xff", b"\0\0\xff\x80", bytes(4)
KEEP, WIPE, TAKE_BACK = 0, 1, 2
SOURCE, OVER = 0, 1
WIPE_GIF, TAKE_BACK_GIF = 2, 3
INNER, CORNER = (2, 2, 4, 4), (7, 7, 1, 1)


def ran(data: bytes, *texts: str, to: str = "gif", limits: Limits | None = None) -> list[Encoded]:
    runner = Runner(pipeline(*texts, encode=LOSSLESS), limits or Limits())
    return runner.run(data, f"result.{to}").images


def one(data: bytes, *texts: str, to: str = "gif") -> bytes:
    (result,) = ran(data, *texts, to=to)
    return result.data


def decoded(data: bytes) -> list[Image]:
    return decode_animation(data, probe(data), DecodeMode())[0]


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("frames", [OPAQUE, CLEAR, PHOTOGRAPHS], ids=["opaque", "clear", "photos"])
def test_frames_are_those_that_pillow_shows(kind: str, frames: list[Image]) -> None:
    data = animated(frames, kind)
    assert probe(data).frames == len(frames)
    assert same(decoded(data), list(shown(data).frames))


@pytest.mark.parametrize(
    ("disposal", "middle"), [(0, GREEN), (1, GREEN), (WIPE_GIF, NOTHING), (TAKE_BACK_GIF, RED)]
)
def test_a_gif_frame_leaves_behind_what_its_disposal_says(disposal: int, middle: bytes) -> None:
    first = (WHOLE, 1, GIF_RED)
    frames = decoded(gif(first, (INNER, disposal, GIF_GREEN), (CORNER, 1, GIF_GREEN)))
    assert [rgba(frame, 3) for frame in frames] == [RED, GREEN, middle]
    assert [rgba(frame, 0) for frame in frames] == [RED, RED, RED]
    assert [rgba(frame, 7) for frame in frames] == [RED, RED, GREEN]


def test_a_gif_frame_shows_what_is_behind_its_clear_pixels() -> None:
    frames = decoded(gif((WHOLE, 1, GIF_RED), (INNER, 1, GIF_NOTHING), (CORNER, 1, GIF_GREEN)))
    assert [rgba(frame, 3) for frame in frames] == [RED, RED, RED]


def test_a_first_frame_of_a_gif_that_is_taken_back_leaves_nothing() -> None:
    frames = decoded(gif((WHOLE, TAKE_BACK_GIF, GIF_RED), (INNER, 1, GIF_GREEN)))
    assert (rgba(frames[1], 0), rgba(frames[1], 3)) == (NOTHING, GREEN)


def test_what_no_frame_of_a_gif_has_covered_is_clear() -> None:
    frames = decoded(gif((INNER, 1, GIF_GREEN), (CORNER, 1, GIF_GREEN)))
    assert [rgba(frame, 0)[3] for frame in frames] == [0, 0]
    assert [rgba(frame, 3) for frame in frames] == [GREEN, GREEN]


@pytest.mark.parametrize(
    ("disposal", "blending", "corner", "middle"),
    [
        (KEEP, SOURCE, RED, GREEN),
        (KEEP, OVER, RED, GREEN),
        (WIPE, SOURCE, RED, NOTHING),
        (TAKE_BACK, SOURCE, RED, RED),
        (TAKE_BACK, OVER, RED, RED),
    ],
)
def test_a_png_frame_leaves_behind_what_its_disposal_says(
    disposal: int, blending: int, corner: bytes, middle: bytes
) -> None:
    first = (WHOLE, KEEP, SOURCE, RED)
    second = ((2, 2, 4, 4), disposal, blending, GREEN)
    third = ((7, 7, 1, 1), KEEP, SOURCE, GREEN)
    frames = decoded(apng(first, second, third))
    assert rgba(frames[1], 3) == GREEN
    assert (rgba(frames[2], 0), rgba(frames[2], 3)) == (corner, middle)


@pytest.mark.parametrize(
    ("blending", "expected"), [(SOURCE, HALF), (OVER, b"\x7f\0\x80\xff")], ids=["source", "over"]
)
def test_a_png_frame_is_blended_as_it_says(blending: int, expected: bytes) -> None:
    frames = decoded(apng((WHOLE, KEEP, SOURCE, RED), ((2, 2, 4, 4), KEEP, blending, HALF)))
    found = np.frombuffer(rgba(frames[1], 3), np.uint8).astype(int)
    assert np.abs(found - np.frombuffer(expected, np.uint8)).max() <= 1


def rgba(frame: Image, at: int) -> bytes:
    blue, green, red, *alpha = frame[at, at].tolist()
    return bytes([red, green, blue, *(alpha or [255])])


def test_a_png_picture_outside_the_animation_is_none_of_its_frames() -> None:
    data = apng((WHOLE, KEEP, SOURCE, RED), (WHOLE, KEEP, SOURCE, GREEN), still=1)
    assert [rgba(frame, 0) for frame in decoded(data)] == [RED, GREEN]


@pytest.mark.parametrize("channels", [3, 4])
def test_a_deep_png_is_read_as_it_is_and_written_with_8_bits(channels: int) -> None:
    frames = [photograph(20, 16, channels, 16, seed=seed) for seed in (1, 2)]
    data = deep_apng(frames)
    assert all(np.array_equal(*pair) for pair in zip(decoded(data), frames, strict=True))
    shallow = [(frame // 257).astype(np.uint8) for frame in frames]
    assert same(list(shown(one(data, to="png")).frames), shallow)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_opaque_frames_have_no_alpha(kind: str) -> None:
    assert {frame.shape for frame in decoded(animated(OPAQUE, kind))} == {(40, 60, 3)}
    assert {frame.shape for frame in decoded(animated(CLEAR, kind))} == {(40, 60, 4)}


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("to", ["gif", "png", "webp"])
@pytest.mark.parametrize("frames", [OPAQUE, CLEAR], ids=["opaque", "clear"])
def test_any_of_the_formats_becomes_any_other_without_loss(
    kind: str, to: str, frames: list[Image]
) -> None:
    result = one(animated(frames, kind, disposal=2 if kind == "GIF" else 0), to=to)
    assert probe(result).format == to
    assert same(list(shown(result).frames), frames)


def test_from_gif_to_webp_to_png_and_back_nothing_is_lost() -> None:
    data = animated(CLEAR, duration=[50, 120, 20, 70], loop=4, disposal=2)
    back = one(one(one(data, to="webp"), to="png"), to="gif")
    assert same(list(shown(back).frames), list(shown(data).frames))
    assert (shown(back).durations, shown(back).loop) == ([50, 120, 20, 70], 4)


def test_a_photograph_as_gif_keeps_its_looks() -> None:
    result = shown(one(animated(PHOTOGRAPHS, "PNG"), to="gif"))
    for found, frame in zip(result.frames, PHOTOGRAPHS, strict=True):
        assert cv2.PSNR(found[..., :3], frame) > 23  # 21.6 with one palette of 256 fixed colours


def test_half_clear_becomes_clear_or_opaque_in_a_gif() -> None:
    frames: list[Image] = [np.full((4, 4, 4), (10, 20, 30, a), np.uint8) for a in (127, 128)]
    found = shown(one(animated(frames, "PNG"), to="gif")).frames
    assert [frame[0, 0].tolist()[3] for frame in found] == [0, 255]
    assert found[1][0, 0].tolist()[:3] == [10, 20, 30]


@pytest.mark.parametrize("to", ["gif", "png", "webp"])
def test_gray_frames_can_be_written(to: str) -> None:
    gray = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in OPAQUE]
    found = shown(one(animated(OPAQUE), "grayscale", to=to)).frames
    pairs = zip(found, gray, strict=True)
    assert all(np.array_equal(pixels[..., 0], other) for pixels, other in pairs)


def test_the_best_quality_that_fits_is_found() -> None:
    encode = EncodeOptions(max_bytes=3000)
    data = animated(PHOTOGRAPHS, "PNG")
    result = Runner(Pipeline(encode=encode), Limits()).run(data, "a.webp").images[0]
    assert 1000 < len(result.data) <= 3000
    assert (result.frames, len(shown(result.data).frames)) == (3, 3)


@pytest.mark.parametrize("to", ["jpg", "bmp", "tiff"])
def test_other_formats_get_the_first_frame(to: str) -> None:
    result = ran(animated(OPAQUE), to=to, limits=Limits(max_frames=1))
    assert len(result) == 1
    assert pixels_of(result[0].data).shape[:2] == (40, 60)
    assert cv2.PSNR(pixels_of(result[0].data)[..., :3], OPAQUE[0]) > 25


def test_with_opencvs_defaults_only_the_first_frame_is_read() -> None:
    data = animated(OPAQUE)
    result = Runner(Pipeline(channels="bgr"), Limits()).run(data, "a.png").images[0].data
    assert probe(result).frames == 1
    first: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(pixels_of(result), first)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_one_frame_is_a_still_image(kind: str) -> None:
    data = animated(OPAQUE[:1], kind)
    assert probe(data).frames == 1
    assert same([pixels_of(one(data, to="png"))], OPAQUE[:1])


def test_a_frame_that_is_repeated_is_shown_as_long() -> None:
    first, second, *_ = OPAQUE
    found = shown(one(animated([first, second], "PNG"), "crop=0,0,60,40", to="gif"))
    assert found.durations == [50, 50]
    found = shown(one(animated([first, second, first], "PNG"), "threshold=255", to="gif"))
    assert found.durations == [150]


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("to", ["gif", "png", "webp"])
def test_durations_are_kept(kind: str, to: str) -> None:
    durations = [40, 0, 1500, 90]
    assert shown(one(animated(OPAQUE, kind, duration=durations), to=to)).durations == durations


def test_a_gif_keeps_the_time_at_which_each_frame_ends() -> None:
    found = shown(one(animated(OPAQUE, "WEBP", duration=[33, 33, 33, 33]), to="gif")).durations
    assert found == [30, 40, 30, 30]


def test_long_durations_are_cut_to_what_a_format_can_state() -> None:
    data = animated(OPAQUE[:2], "WEBP", duration=[2_000_000, 40])
    assert shown(one(data, to="gif")).durations == [655_350, 40]
    assert shown(one(data, to="webp")).durations == [2_000_000, 40]
    assert shown(one(data, to="png")).durations == [65_535, 40]


@pytest.mark.parametrize(("loop", "plays"), [(0, 0), (1, 2), (7, 8), (None, 1)])
def test_the_number_of_plays_is_kept(loop: int | None, plays: int) -> None:
    """A GIF states how often it is repeated, the others how often it is played."""
    options: dict[str, Any] = {} if loop is None else {"loop": loop}
    data = animated(OPAQUE, **options)
    assert shown(one(data, to="gif")).loop == loop
    assert shown(one(data, to="webp")).loop == plays
    assert shown(one(data, to="png")).loop == plays
    assert shown(one(one(data, to="png"), to="gif")).loop == loop
    assert shown(one(one(data, to="webp"), to="gif")).loop == loop


# --- operations --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_operations_apply_to_each_frame(kind: str) -> None:
    expected = [np.rot90(frame[4:34, 10:50], 3)[:, ::-1] for frame in OPAQUE]
    found = shown(one(animated(OPAQUE, kind), "crop=10,4,40,30", "rotate=90", "flip")).frames
    assert same(list(found), expected)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_each_frame_is_turned_upright(kind: str) -> None:
    exif = Pillow.Exif()
    exif[EXIF_ORIENTATION] = 6
    found = shown(one(animated(OPAQUE, kind, exif=exif), to="webp")).frames
    assert same(list(found), [np.rot90(frame, 3) for frame in OPAQUE])


def test_the_parts_of_a_split_are_animations() -> None:
    data = animated(OPAQUE, duration=[50, 60, 70, 80], loop=2)
    texts = ("resize=0.5", "crop=0,0,20,20", "rotate=90", "split=1,2")
    parts = ran(data, *texts, to="webp")
    frames = [ran(file_of(frame), *texts, to="webp") for frame in OPAQUE]
    assert [part.size for part in parts] == [Size(10, 20)] * 2
    for index, part in enumerate(parts):
        found = shown(part.data)
        expected = [pixels_of(stills[index].data) for stills in frames]
        assert same(list(found.frames), expected)
        assert (found.durations, found.loop) == ([50, 60, 70, 80], 3)


def test_a_split_of_a_split_keeps_the_order() -> None:
    parts = ran(animated(OPAQUE), "split=1,2", "split=2,1", to="png")
    quarters = [(y, x) for x in (0, 30) for y in (0, 20)]
    for part, (y, x) in zip(parts, quarters, strict=True):
        expected = [frame[y : y + 20, x : x + 30] for frame in OPAQUE]
        assert same([pixels_of(part.data)], expected[:1])


class Unlike(Operation):
    """Leave 10 rows, and one more where a blue of 200 is the most."""

    op: Literal["unlike"] = "unlike"
    predictable: ClassVar[bool] = False

    def apply(self, image: Image) -> Image:
        return image[: 10 + int(image[..., 0].max() == 200)]


def test_frames_of_different_sizes_fail_with_the_index_of_the_step() -> None:
    (flip,) = pipeline("flip").steps
    runner = Runner(Pipeline((flip, (3, Unlike()))), Limits())
    with pytest.raises(StepFailed, match="different sizes, such as 60x10 and 60x11") as failed:
        runner.run(animated(OPAQUE, "PNG"), "a.gif")
    assert failed.value.step == 3


def test_skip_leaves_the_step_out_for_all_frames() -> None:
    steps = ((0, Unlike()), *pipeline("flip", "flip=vertical").steps[1:])
    runner = Runner(Pipeline(steps, on_invalid="skip"), Limits())
    done = runner.run(animated(OPAQUE[:2], "PNG"), "a.png")
    assert [skip.op for skip in done.skipped] == ["unlike"]
    expected = [frame[::-1] for frame in OPAQUE[:2]]
    assert same(list(shown(done.images[0].data).frames), expected)


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_too_many_frames_are_an_error_that_names_the_setting(kind: str) -> None:
    frames: list[Image] = [np.full((2, 2, 3), index, np.uint8) for index in range(201)]
    with pytest.raises(ImageTooLarge, match=r"201 frames .* limit of 200 .DARKROOM_MAX_FRAMES"):
        ran(animated(frames, kind))
    assert len(shown(one(animated(frames[:200], kind))).frames) == 200


def test_pixels_are_counted_over_all_frames() -> None:
    data = animated(OPAQUE)
    assert ran(data, limits=Limits(max_pixels=4 * 60 * 40))
    with pytest.raises(ImageTooLarge, match=r"4 frames of 60x40 are .+ over the limit"):
        ran(data, limits=Limits(max_pixels=4 * 60 * 40 - 1))


def test_pixels_after_each_step_are_counted_over_all_frames() -> None:
    with pytest.raises(StepFailed, match="megapixels, over the limit") as failed:
        ran(animated(OPAQUE), "flip", "resize=2", limits=Limits(max_pixels=16 * 60 * 40 - 1))
    assert failed.value.step == 1
    assert ran(animated(OPAQUE), "flip", "resize=2", limits=Limits(max_pixels=16 * 60 * 40))


class Double(Operation):
    """Lay the picture beside itself, which no prediction tells."""

    op: Literal["double"] = "double"
    predictable: ClassVar[bool] = False

    def apply(self, image: Image) -> Image:
        return np.hstack([image, image])  # type: ignore[return-value]

    def output_size(self, size: Size) -> Size:
        return Size(2 * size.width, size.height)


def test_a_step_of_open_sizes_is_counted_over_all_frames() -> None:
    data = animated(OPAQUE)
    steps = ((0, Double()), (1, Double()))
    assert Runner(Pipeline(steps), Limits(max_pixels=16 * 60 * 40)).run(data, "a.png").images
    with pytest.raises(StepFailed, match="megapixels, over the limit"):
        Runner(Pipeline(steps), Limits(max_pixels=16 * 60 * 40 - 1)).run(data, "a.png")


def test_the_memory_counts_the_frames() -> None:
    header = probe(animated(CLEAR, "PNG"))
    assert planned("flip", header=header, format="png").frames == 4
    moving = planned("flip", header=header, format="png").peak_bytes
    assert moving == 4 * planned("flip", header=header, format="tiff").peak_bytes


def test_a_header_that_announces_a_million_frames_is_refused_at_once() -> None:
    data = apng((WHOLE, KEEP, SOURCE, RED), (WHOLE, KEEP, SOURCE, GREEN), count=1_000_000)
    with pytest.raises(ImageTooLarge, match="1000000 frames"):
        ran(data)


# --- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_animation_is_damaged(kind: str, part: float) -> None:
    data = animated(PHOTOGRAPHS, kind)
    with pytest.raises(DamagedImage):
        ran(data[: int(len(data) * part)])


def test_fewer_frames_than_announced_are_damage() -> None:
    data = apng((WHOLE, KEEP, SOURCE, RED), (WHOLE, KEEP, SOURCE, GREEN), count=3)
    with pytest.raises(DamagedImage):
        ran(data)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_scrambled_animations_are_read_or_refused(kind: str) -> None:
    good = animated(CLEAR, kind)
    generator = np.random.default_rng(20240608)
    verdicts = set()
    for _ in range(200):
        data = bytearray(good)
        for at in generator.integers(12, len(data), 2):
            data[at] = generator.integers(0, 256)
        verdicts.add(verdict(bytes(data)))
    assert verdicts <= {"read", "DamagedImage", "UnsupportedFormat", "ImageTooLarge"}
    assert len(verdicts) > 1


def test_a_chunk_that_claims_a_gigabyte_is_refused_at_once() -> None:
    data = bytearray(apng((WHOLE, KEEP, SOURCE, RED), (WHOLE, KEEP, SOURCE, GREEN)))
    data[data.rindex(b"fdAT") - 4] = 0x40
    with pytest.raises(DamagedImage, match="its chunks do not fit in the file"):
        ran(bytes(data))


def verdict(data: bytes) -> str:
    try:
        ran(data, limits=Limits(max_pixels=1_000_000))
    except ProcessorError as error:
        return type(error).__name__
    return "read"
