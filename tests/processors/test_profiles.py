"""Colours by an embedded profile come out as sRGB."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms
from PIL.Image import Image as Picture

from processors.decoding import DecodeMode, decode
from processors.encoding import EncodeOptions
from processors.errors import DamagedImage
from processors.operation import Image
from processors.probing import probe
from processors.profiles import conversion_of
from tests.processors import icc
from tests.processors.files import pipeline, pixels_of, planned, run, run_pixels
from tests.samples import photograph

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

PRIMARIES = [
    (icc.adobe_rgb(), (219, 0, 0), (255, 0, 0)),
    (icc.adobe_rgb(), (144, 255, 60), (0, 255, 0)),
    (icc.adobe_rgb(), (0, 0, 250), (0, 0, 255)),
    (icc.display_p3(), (234, 51, 35), (255, 0, 0)),
    (icc.display_p3(), (0, 0, 245), (0, 0, 255)),
    (icc.display_p3(), (200, 200, 200), (200, 200, 200)),
]
"""The published coordinates of sRGB's primaries in the larger spaces."""


def picture() -> Picture:
    return Pillow.fromarray(np.ascontiguousarray(photograph(64, 48)[..., ::-1]))


def saved(image: Picture, kind: str = "PNG", profile: bytes | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=profile, **options)
    return buffer.getvalue()


def by_pillow(image: Picture, profile: bytes) -> Image:
    """BGR in sRGB, as Pillow converts the picture by itself."""
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    return np.asarray(converted)[..., ::-1]


def deep_png(image: Image, profile: bytes) -> bytes:
    """A PNG of 16 bits with a profile, written by OpenCV."""
    kinds, chunks = [cv2.IMAGE_METADATA_ICCP], [np.frombuffer(profile, np.uint8)]
    return cv2.imencodeWithMetadata(".png", image, kinds, chunks)[1].tobytes()


def farthest(one: Image, other: Image) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize(("profile", "stored", "srgb"), PRIMARIES)
def test_primaries_of_srgb_come_back_from_a_larger_space(
    profile: bytes, stored: tuple[int, ...], srgb: tuple[int, ...]
) -> None:
    (result,) = run_pixels(saved(Pillow.new("RGB", (4, 4), stored), profile=profile))
    assert np.abs(result[0, 0, ::-1].astype(int) - srgb).max() <= 2


def test_the_green_of_srgb_comes_back_from_16_bits_of_display_p3() -> None:
    # 8 bits state it too coarsely: a quarter of a level of P3 is two levels of a dark red.
    stored = np.full((4, 4, 3), np.array([0.2983, 0.9853, 0.4584]) * 65_535).astype(np.uint16)
    (result,) = run_pixels(deep_png(stored, icc.display_p3()))
    assert np.abs(result[0, 0] / 257 - (0, 255, 0)).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG"])
@pytest.mark.parametrize("profile", [icc.adobe_rgb(), icc.display_p3()])
def test_every_format_that_carries_a_profile_is_converted_by_it(kind: str, profile: bytes) -> None:
    data = saved(picture(), kind, profile)
    plain = np.ascontiguousarray(pixels_of(data)[..., ::-1])
    (result,) = run_pixels(data)
    assert probe(data).profile
    assert farthest(result, by_pillow(Pillow.fromarray(plain), profile)) <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG"])
def test_a_file_without_a_profile_is_seen_as_such(kind: str) -> None:
    assert not probe(saved(picture(), kind)).profile


def test_alpha_is_left_alone() -> None:
    image = picture()
    image.putalpha(Pillow.linear_gradient("L").resize(image.size))
    data = saved(image, profile=icc.adobe_rgb())
    (result,) = run_pixels(data)
    assert np.array_equal(result[..., 3], pixels_of(data)[..., 3])
    assert farthest(result[..., :3], by_pillow(image.convert("RGB"), icc.adobe_rgb())) <= 1


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.6])
def test_a_gray_profile_is_honoured(gamma: float) -> None:
    ramp = Pillow.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    (result,) = run_pixels(saved(ramp, profile=icc.gray(gamma)))
    assert result.ndim == 2
    assert farthest(result, by_pillow(ramp, icc.gray(gamma))[..., 1]) <= 1


def test_16_bits_are_converted_as_8_are_and_stay_16() -> None:
    image = photograph(64, 48)
    for profile in (icc.adobe_rgb(), icc.display_p3(), icc.adobe_rgb_by_table()):
        (result,) = run_pixels(deep_png(image.astype(np.uint16) * 257, profile))
        assert result.dtype == np.uint16
        shallow = by_pillow(Pillow.fromarray(np.ascontiguousarray(image[..., ::-1])), profile)
        assert farthest((result / 257).round().astype(np.uint8), shallow) <= 1


def test_16_bits_of_gray_follow_the_curve_of_the_profile() -> None:
    levels = np.arange(0, 65_536, 16, dtype=np.uint16).reshape(64, 64)
    (result,) = run_pixels(deep_png(levels, icc.gray(1.0)))
    light = levels / 65_535
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(result - curved * 65_535).max() <= 1


def test_a_profile_of_srgb_itself_changes_nothing() -> None:
    assert conversion_of(SRGB) is None
    (result,) = run_pixels(saved(picture(), profile=SRGB))
    assert np.array_equal(result[..., ::-1], np.asarray(picture()))


@pytest.mark.parametrize("broken", [bytes(600), icc.adobe_rgb()[:200], b"\x00" * 36 + b"acsp"])
def test_a_broken_profile_is_left_out_of_account(broken: bytes) -> None:
    (result,) = run_pixels(saved(picture(), profile=broken))
    assert np.array_equal(result[..., ::-1], np.asarray(picture()))


@pytest.mark.parametrize("at", range(132, 700, 37))
def test_a_damaged_profile_never_fails_the_image(at: int) -> None:
    profile = bytearray(icc.adobe_rgb())
    profile[at : at + 4] = b"\xff\xff\xff\xff"
    (result,) = run_pixels(saved(picture(), "TIFF", bytes(profile)))
    assert result.shape == (48, 64, 3)


def test_a_profile_for_other_colours_is_left_out_of_account() -> None:
    (result,) = run_pixels(saved(picture(), "TIFF", icc.cmyk()))
    assert np.array_equal(result[..., ::-1], np.asarray(picture()))


def test_a_profile_of_many_segments_is_joined() -> None:
    profile = icc.adobe_rgb_by_table(padding=200_000)
    data = saved(picture(), "JPEG", profile, quality=95)
    plain = Pillow.fromarray(np.ascontiguousarray(pixels_of(data)[..., ::-1]))
    assert farthest(run_pixels(data)[0], by_pillow(plain, profile)) <= 1


@pytest.mark.parametrize("operation", ["grayscale", "resize=0.125"])
def test_gray_and_reduced_decoding_see_the_converted_colours(operation: str) -> None:
    large = Pillow.fromarray(np.ascontiguousarray(photograph(640, 480)[..., ::-1]))
    data = saved(large, "JPEG", icc.display_p3(), quality=95)
    (fast,) = run_pixels(data, operation)
    (exact,) = run_pixels(data, operation, fidelity="exact")
    (unconverted,) = run_pixels(saved(large, "JPEG", quality=95), operation)
    near, far = (np.abs(fast.astype(float) - other).mean() for other in (exact, unconverted))
    assert near < far / 2, (near, far)


def test_the_original_route_converts_nothing() -> None:
    data = saved(picture(), profile=icc.adobe_rgb())
    assert np.array_equal(run_pixels(data, channels="bgr")[0], pixels_of(data))


def test_the_plan_says_that_colours_are_converted() -> None:
    header = probe(saved(picture(), profile=icc.adobe_rgb()))
    assert planned(header=header).decode.describe() == "keep, colours to sRGB"
    assert pipeline().encode.metadata == "strip"


def cmyk_picture() -> Picture:
    inks = np.dstack([*np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 4))] * 2)
    inks[..., 3] //= 3
    return Pillow.fromarray(np.ascontiguousarray(inks.astype(np.uint8)), "CMYK")


def test_a_cmyk_jpeg_is_converted_by_its_profile() -> None:
    data = saved(cmyk_picture(), "JPEG", icc.cmyk(), quality=95)
    with Pillow.open(io.BytesIO(data)) as stored:
        expected = by_pillow(stored, icc.cmyk())
    (result,) = run_pixels(data)
    assert farthest(result, expected) <= 1
    assert farthest(result, pixels_of(data)) > 30


def test_no_ink_is_white_by_a_cmyk_profile() -> None:
    data = saved(Pillow.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG", icc.cmyk(), quality=95)
    assert run_pixels(data)[0].min() >= 253


def test_a_cmyk_jpeg_without_a_profile_is_as_opencv_has_it() -> None:
    data = saved(cmyk_picture(), "JPEG", quality=95)
    assert np.array_equal(run_pixels(data)[0], pixels_of(data))


def test_a_truncated_cmyk_jpeg_is_damaged() -> None:
    data = saved(cmyk_picture(), "JPEG", icc.cmyk(), quality=95)
    with pytest.raises(DamagedImage, match="truncated"):
        run(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("reduction", [2, 4, 8])
@pytest.mark.parametrize("side", [61, 64])
def test_a_cmyk_jpeg_is_converted_at_any_reduction(side: int, reduction: int) -> None:
    data = saved(cmyk_picture().resize((side, side)), "JPEG", icc.cmyk(), quality=95)
    header = probe(data)
    whole = decode(data, header, DecodeMode(colours="srgb"))
    mode = DecodeMode(reduction=reduction, colours="srgb")
    reduced = decode(data, header, mode)
    assert reduced.shape == (*mode.size(header), 3)
    assert abs(reduced.mean() - whole.mean()) < 6


@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_tiny_cmyk_jpeg_has_the_planned_size(reduction: int) -> None:
    data = saved(cmyk_picture().resize((5, 3)), "JPEG", icc.cmyk())
    header, mode = probe(data), DecodeMode(reduction=reduction, colours="srgb")
    assert decode(data, header, mode).shape == (*mode.size(header)[::-1], 3)


def test_a_cmyk_jpeg_is_converted_also_when_its_metadata_are_kept() -> None:
    data = saved(cmyk_picture(), "JPEG", icc.cmyk(), quality=95)
    kept = run(data, encode=EncodeOptions(metadata="keep")).images[0].data
    assert np.array_equal(pixels_of(kept), run_pixels(data)[0])
    assert not probe(kept).profile
