"""What an inspection finds, against NumPy, SciPy and Pillow."""

import hashlib
import io
import pickle
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image as Pillow
from PIL import ImageCms

from processors.errors import DamagedImage, ImageTooLarge, UnsupportedFormat
from processors.inspection import Inspection, Inspector, Report
from processors.jobs import runner_of
from processors.limits import Limits
from processors.operation import Image
from processors.perceptual_hash import perceptual_hash
from processors.probing import ImageFormat
from tests.processors.files import file_of, oriented
from tests.samples import photograph


def inspect(data: bytes, **limits: int) -> Report:
    (result,) = Inspector(Limits(**limits)).run(data, None).images
    return Report.model_validate_json(result.data)


def saved(image: Pillow.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# ------------------------------------------------------------------------------- the file


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif", "tiff", "bmp", "gif"])
def test_every_format_is_inspected(format: ImageFormat) -> None:
    data = file_of(photograph(90, 60), format)
    found = inspect(data)
    assert (found.format, found.width, found.height) == (format, 90, 60)
    assert (found.channels, found.bit_depth, found.frames) == (3, 8, 1)
    assert found.bytes == len(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.megapixels == 0.0054
    assert sum(found.histogram["green"]) == 90 * 60


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_turned_image_is_measured_upright(kind: str) -> None:
    upright = photograph(96, 64)
    found = inspect(oriented(upright, 6, kind))
    assert (found.width, found.height) == (96, 64)
    assert found.orientation == 6
    near = perceptual_hash(upright) ^ int(found.perceptual_hash, 16)
    assert near.bit_count() <= 4


def test_the_stored_size_is_told_where_it_differs() -> None:
    found = inspect(oriented(photograph(96, 64), 8))
    assert (found.orientation, found.stored_width, found.stored_height) == (8, 64, 96)
    assert inspect(oriented(photograph(96, 64), 3)).stored_width is None


def test_a_progressive_jpeg_is_told() -> None:
    assert inspect(file_of(photograph(64, 48), "jpeg", progressive=True)).progressive
    assert not inspect(file_of(photograph(64, 48), "jpeg")).progressive


def test_frames_are_counted_and_the_first_is_measured() -> None:
    frames = [Pillow.new("RGB", (20, 10), color) for color in ("#ff0000", "#00ff00", "#0000ff")]
    found = inspect(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found.frames == 3
    assert [color.hex for color in found.dominant_colors] == ["#ff0000"]


# ------------------------------------------------------------------------------- the pixels


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_statistics_are_those_of_numpy(channels: int, depth: int) -> None:
    image = photograph(75, 51, channels, depth)
    found = inspect(file_of(image, "png"))
    names = ["gray"] if channels == 1 else ["blue", "green", "red", "alpha"][:channels]
    assert list(found.histogram) == list(found.mean) == list(found.standard_deviation) == names
    assert (found.channels, found.bit_depth) == (channels, depth)
    for name, values in zip(names, np.moveaxis(np.atleast_3d(image), 2, 0), strict=True):
        levels = values / (257 if depth == 16 else 1)
        assert found.mean[name] == pytest.approx(levels.mean(), abs=1e-3)
        assert found.standard_deviation[name] == pytest.approx(levels.std(), abs=1e-3)
        high = values >> 8 if depth == 16 else values
        assert found.histogram[name] == np.bincount(high.ravel(), minlength=256).tolist()


def test_a_histogram_counts_the_high_byte_of_16_bits() -> None:
    found = inspect(file_of(np.full((3, 4), 0x12FF, np.uint16), "png"))
    assert found.histogram["gray"][0x12] == 12


def test_sharpness_is_the_variance_of_scipys_laplacian() -> None:
    gray = photograph(80, 60, channels=1)
    expected = scipy.ndimage.laplace(gray.astype(float), mode="mirror").var()
    assert inspect(file_of(gray, "png")).sharpness == pytest.approx(expected, rel=1e-4)


def test_a_blurred_image_is_less_sharp() -> None:
    image = photograph(160, 120)
    blurred: Any = cv2.GaussianBlur(image, (0, 0), 2)
    sharp, soft = (inspect(file_of(one, "png")).sharpness for one in (image, blurred))
    assert soft < sharp / 10


def test_16_bits_are_as_sharp_as_8() -> None:
    shallow, deep = (inspect(file_of(photograph(64, 48, depth=depth), "png")) for depth in (8, 16))
    assert deep.sharpness == pytest.approx(shallow.sharpness, rel=0.01)


@pytest.mark.parametrize(("level", "transparent"), [(255, False), (254, True), (0, True)])
def test_alpha_is_told_from_transparency(level: int, transparent: bool) -> None:
    image = photograph(30, 20, channels=4)
    image[..., 3] = 255
    image[4, 7, 3] = level
    found = inspect(file_of(image, "png")).alpha
    assert (found.has, found.transparent) == (True, transparent)


def test_an_image_without_alpha_has_none() -> None:
    found = inspect(file_of(photograph(30, 20), "png")).alpha
    assert (found.has, found.transparent) == (False, False)


def flag(*stripes: tuple[str, int]) -> Pillow.Image:
    image = Pillow.new("RGBA", (100, 100))
    top = 0
    for color, height in stripes:
        image.paste(color, (0, top, 100, top + height))
        top += height
    return image


def test_dominant_colors_are_exact_where_there_are_few() -> None:
    found = inspect(saved(flag(("#aa1122", 50), ("#fefefe", 30), ("#003399", 20)).convert("RGB")))
    assert [color.hex for color in found.dominant_colors] == ["#aa1122", "#fefefe", "#003399"]
    shares = [color.share for color in found.dominant_colors]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.02)


def test_dominant_colors_leave_out_what_is_not_seen() -> None:
    found = inspect(saved(flag(("#ff0000", 40), ("#00ff0000", 60))))
    assert [(color.hex, color.share) for color in found.dominant_colors] == [("#ff0000", 1.0)]


def test_an_invisible_image_has_no_colors() -> None:
    assert inspect(saved(flag(("#00ff0000", 100)))).dominant_colors == []


def test_dominant_colors_of_a_photograph_are_five_at_most_and_add_up() -> None:
    first, second = (inspect(file_of(photograph(300, 200), "png")) for _ in range(2))
    assert 2 <= len(first.dominant_colors) <= 5
    assert sum(color.share for color in first.dominant_colors) == pytest.approx(1, abs=1e-3)
    assert first == second


def test_shades_that_look_the_same_are_one_color() -> None:
    noise = np.random.default_rng(3).integers(98, 103, (80, 80, 3), dtype=np.uint8)
    (color,) = inspect(file_of(noise, "png")).dominant_colors  # type: ignore[arg-type]
    assert color.share == pytest.approx(1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1, 3), (2, 2, 4)])
def test_odd_shapes_are_inspected(shape: tuple[int, ...]) -> None:
    found = inspect(file_of(np.full(shape, 128, np.uint8), "png"))
    assert found.sharpness == 0
    assert [color.hex for color in found.dominant_colors] == ["#808080"]


def test_the_hash_is_that_of_the_pixels() -> None:
    image = photograph(64, 48)
    assert inspect(file_of(image, "png")).perceptual_hash == f"{perceptual_hash(image):016x}"


# ------------------------------------------------------------------------------- the profile


def test_a_profile_is_named() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = inspect(saved(Pillow.new("RGB", (8, 8)), "JPEG", icc_profile=profile)).profile
    assert found is not None
    assert (found.description, found.colour_space) == ("sRGB built-in", "RGB")


def test_a_damaged_profile_is_none() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[128:132] = b"\xff" * 4  # how many tags there are
    found = inspect(saved(Pillow.new("RGB", (8, 8)), "JPEG", icc_profile=bytes(profile)))
    assert found.profile is None


def test_without_a_profile_there_is_none() -> None:
    assert inspect(saved(Pillow.new("RGB", (8, 8)), "JPEG")).profile is None


# ------------------------------------------------------------------------------- the job


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_image_is_damaged(share: float) -> None:
    data = file_of(photograph(160, 120), "jpeg")
    with pytest.raises(DamagedImage):
        inspect(data[: int(len(data) * share)])


def test_text_is_no_image() -> None:
    with pytest.raises(UnsupportedFormat):
        inspect(b"Hello, world!")


@pytest.mark.parametrize("limits", [{"max_pixels": 100}, {"max_bytes": 100}])
def test_limits_hold(limits: dict[str, int]) -> None:
    with pytest.raises(ImageTooLarge):
        inspect(file_of(photograph(64, 48), "png"), **limits)


def test_the_job_crosses_a_process_border() -> None:
    job = pickle.loads(pickle.dumps(Inspection()))
    data = file_of(photograph(32, 24))
    (result,) = runner_of(job, Limits()).run(data, (None,)).images
    assert Report.model_validate_json(result.data) == inspect(data)


def large(width: int, height: int) -> Image:
    return np.zeros((height, width), np.uint8)


def test_a_histogram_is_exact_beyond_what_a_float_can_count() -> None:
    found = inspect(file_of(large(4200, 4100), "png"))
    assert found.histogram["gray"][0] == 4200 * 4100
