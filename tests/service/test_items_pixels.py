"""`POST /items/`: the pixels are those of plain OpenCV, whatever the image is."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from tests.samples import photograph
from tests.service import plain
from tests.service.asking import ask, made


@pytest.fixture(scope="module")
def inputs(workspace: Path) -> Path:
    """One image of each kind that `imread` treats in its own way."""
    folder = workspace / "in" / "kinds"
    folder.mkdir()
    image = photograph(123, 91)
    for name in ("photo.jpg", "photo.png", "photo.webp", "photo.bmp", "photo.tiff"):
        cv2.imwrite(str(folder / name), image)
    cv2.imwrite(str(folder / "gray.jpg"), image[..., 0])
    cv2.imwrite(str(folder / "gray.png"), image[..., 0])
    cv2.imwrite(str(folder / "deep.png"), photograph(123, 91, depth=16))
    cv2.imwrite(str(folder / "deep-gray.tiff"), photograph(123, 91, channels=1, depth=16))
    cv2.imwrite(str(folder / "alpha.png"), photograph(123, 91, channels=4))
    cv2.imwrite(str(folder / "alpha.webp"), photograph(123, 91, channels=4))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Pillow.fromarray(image[..., ::-1]).save(folder / "turned.jpg", exif=exif)
    return folder


KINDS = [
    *("photo.jpg", "photo.png", "photo.webp", "photo.bmp", "photo.tiff"),
    *("gray.jpg", "gray.png", "deep.png", "deep-gray.tiff", "alpha.png", "alpha.webp"),
    "turned.jpg",
]


@pytest.fixture
def out(workspace: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of this test's own, not yet there."""
    return workspace / "out" / "items" / f"{abs(hash(request.node.nodeid)):x}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("extension", [".png", ".jpg"])
@pytest.mark.parametrize(
    ("operations", "calls"),
    [
        ([], []),
        (["resize=0.37", "blur=7"], [plain.resize(0.37), plain.blur(7)]),
    ],
    ids=["copied", "resized and blurred"],
)
def test_pixels_are_those_of_plain_opencv(
    client: TestClient,
    inputs: Path,
    out: Path,
    tmp_path: Path,
    kind: str,
    extension: str,
    operations: list[str],
    calls: list[plain.Call],
) -> None:
    output = (out / kind).with_suffix(extension)
    ask(client, inputs / kind, output, operations)
    (expected,) = plain.results(inputs / kind, calls)
    plain.assert_same_file(output, expected, tmp_path)


@pytest.mark.parametrize("extension", [".webp", ".bmp", ".tiff", ".JPEG"])
def test_each_format_is_written_as_plain_opencv_does(
    client: TestClient, inputs: Path, out: Path, tmp_path: Path, extension: str
) -> None:
    ask(client, inputs / "photo.png", out / f"a{extension}", ["resize=0.5"])
    (expected,) = plain.results(inputs / "photo.png", [plain.resize(0.5)])
    plain.assert_same_file(out / f"a{extension}", expected, tmp_path)


@pytest.mark.parametrize(
    "factor", [0.05, 0.1, 0.125, 0.25, 1 / 3, 0.5, 0.999, 1.0, 1.5, 2.0, 3.7], ids=str
)
def test_resize_at_any_factor(
    client: TestClient, inputs: Path, out: Path, tmp_path: Path, factor: float
) -> None:
    ask(client, inputs / "photo.jpg", out / "a.png", [f"resize={factor}"])
    (expected,) = plain.results(inputs / "photo.jpg", [plain.resize(factor)])
    plain.assert_same_file(out / "a.png", expected, tmp_path)


@pytest.mark.parametrize("side", [0, 1, 3, 25, 301, 1001])
def test_blur_with_any_kernel(
    client: TestClient, inputs: Path, out: Path, tmp_path: Path, side: int
) -> None:
    ask(client, inputs / "photo.jpg", out / "a.png", [f"blur={side}"])
    (expected,) = plain.results(inputs / "photo.jpg", [plain.blur(side)])
    plain.assert_same_file(out / "a.png", expected, tmp_path)


@pytest.mark.parametrize("side", [2, 4, 24])
def test_an_even_kernel_is_raised_by_one(
    client: TestClient, inputs: Path, out: Path, tmp_path: Path, side: int
) -> None:
    ask(client, inputs / "photo.jpg", out / "a.png", [f"blur={side}"])
    (expected,) = plain.results(inputs / "photo.jpg", [plain.blur(side + 1)])
    plain.assert_same_file(out / "a.png", expected, tmp_path)


def test_a_split_of_a_split_goes_depth_first(
    client: TestClient, inputs: Path, out: Path, tmp_path: Path
) -> None:
    operations = ["splitQuadrants=True", "resize=2", "split=yes", "resize=2"]
    calls = [plain.split, plain.resize(2), plain.split, plain.resize(2)]
    ask(client, inputs / "photo.jpg", out / "a.png", operations)
    expected = plain.results(inputs / "photo.jpg", calls)
    assert made(out) == {f"a_{number}.png" for number in range(1, 17)}
    for number, image in enumerate(expected, start=1):
        plain.assert_same_file(out / f"a_{number}.png", image, tmp_path)


def test_odd_sides_are_cut_as_python_halves_them(
    client: TestClient, inputs: Path, out: Path
) -> None:
    ask(client, inputs / "photo.jpg", out / "a.png", ["split=True"])
    sizes = [plain.load(out / f"a_{number}.png").shape[:2] for number in range(1, 5)]
    assert sizes == [(45, 61), (45, 62), (46, 61), (46, 62)]


def test_an_empty_batch_gives_images_with_all_pixels_kept(
    client: TestClient, workspace: Path, out: Path
) -> None:
    ask(client, workspace / "in/photo.png", out / "a.png", None)
    ours, theirs = (plain.load(path) for path in (out / "a.png", workspace / "in/photo.png"))
    assert np.array_equal(ours, theirs)
