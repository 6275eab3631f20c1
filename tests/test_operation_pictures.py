"""Each operation has a picture in the reference, and it shows what the operation does today."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from docs import operation_pictures
from docs.operation_pictures import (
    PICTURES,
    TOLERANCE,
    Use,
    difference,
    encoded,
    picture_of,
    render,
    use_of,
    write_pictures,
)
from docs.operations_reference import operations_markdown, own_operations
from docs.picture_subjects import PANEL
from processors.operation import Operation
from processors.registry import registry

Flip, Split, Blur = (registry().get(name) for name in ("flip", "split", "blur"))
OPERATIONS = own_operations()
MOST_BYTES = 18_000


def name(operation: type[Operation]) -> str:
    return operation.name()


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_a_picture_is_up_to_date(operation: type[Operation]) -> None:
    path = picture_of(operation)
    assert path.exists(), "run `make docs`"
    fresh = encoded(render(use_of(operation)))
    assert difference(path.read_bytes(), fresh) <= TOLERANCE, "run `make docs`"


def test_no_picture_is_left_over() -> None:
    assert set(PICTURES.iterdir()) <= {picture_of(operation) for operation in OPERATIONS}


def test_all_pictures_together_are_small() -> None:
    sizes = [path.stat().st_size for path in PICTURES.iterdir()]
    assert max(sizes) <= MOST_BYTES
    assert sum(sizes) < 1_000_000


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_the_picture_shows_a_change(operation: type[Operation]) -> None:
    picture = render(use_of(operation))
    width = PANEL.width
    before, after = picture[:, :width], picture[:, -width:]
    assert cv2.absdiff(before, after).mean() > TOLERANCE


def test_each_section_of_the_reference_shows_its_picture() -> None:
    shown = re.findall(r"^!\[.*\]\((.*)\)$", operations_markdown(), re.MULTILINE)
    assert sorted(shown) == sorted(f"pictures/operations/{name(item)}.jpg" for item in OPERATIONS)


def test_special_uses_are_of_operations_that_are_there() -> None:
    for known, use in operation_pictures._TELLING.items():
        assert registry().parse(use.text).op == known


# --- what the tolerance sees --------------------------------------------------------------------


def rounded_otherwise() -> bytes:
    """The picture of Flip with a tenth of its pixels one level off."""
    picture = render(use_of(Flip)).astype(np.int16)
    rng = np.random.default_rng(1)
    picture[rng.random(picture.shape[:2]) < 0.1] += rng.choice([-1, 1])
    return encoded(np.clip(picture, 0, 255).astype(np.uint8))


def test_pixels_that_are_rounded_otherwise_are_tolerated() -> None:
    assert 0 < difference(encoded(render(use_of(Flip))), rounded_otherwise()) <= TOLERANCE


@pytest.mark.parametrize("text", ["blur=3", "blur=9", "flip"])
def test_another_result_is_not(text: str) -> None:
    subject = use_of(Blur).subject
    first, second = (encoded(render(Use(use, subject))) for use in ("blur=5", text))
    assert difference(first, second) > TOLERANCE


def test_another_size_or_no_image_is_as_different_as_can_be() -> None:
    small = np.zeros((4, 4, 3), np.uint8)
    assert difference(encoded(small), encoded(small[:2])) == 255
    assert difference(b"no image", encoded(small)) == 255


# --- writing -----------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(operation_pictures, "PICTURES", tmp_path / "operations")
    write_pictures([Flip, Split])
    return tmp_path / "operations"


def test_there_is_a_file_for_each_operation(pictures: Path) -> None:
    assert {path.name for path in pictures.iterdir()} == {"flip.jpg", "split.jpg"}


def test_what_is_left_over_is_removed_and_what_is_stale_written_anew(pictures: Path) -> None:
    fresh = (pictures / "flip.jpg").read_bytes()
    (pictures / "flip.jpg").write_bytes((pictures / "split.jpg").read_bytes())
    write_pictures([Flip])
    assert [path.name for path in pictures.iterdir()] == ["flip.jpg"]
    assert (pictures / "flip.jpg").read_bytes() == fresh


def test_what_is_up_to_date_stays_as_it_is(pictures: Path) -> None:
    data = rounded_otherwise()
    assert data != (pictures / "flip.jpg").read_bytes()
    (pictures / "flip.jpg").write_bytes(data)
    write_pictures([Flip])
    assert (pictures / "flip.jpg").read_bytes() == data


# --- the layout --------------------------------------------------------------------------------


def test_before_is_at_the_left_and_after_at_the_right() -> None:
    picture = render(use_of(Flip))
    width = PANEL.width
    assert np.array_equal(picture[:, :width], picture[:, ::-1][:, :width])
    assert (picture[:, width : picture.shape[1] - width] == 255).all()


def test_parts_are_tiles_with_gaps() -> None:
    after = render(Use("split=2,3", ""))[:, -PANEL.width :]
    white = (after == 255).all(axis=2)[4:-4, 4:-4]  # no margin
    assert (np.diff(white.all(axis=0).astype(int)) == 1).sum() == 2
    assert (np.diff(white.all(axis=1).astype(int)) == 1).sum() == 1


def test_a_result_of_half_the_size_is_shown_at_half_the_size() -> None:
    picture = render(Use("resize=0.5", ""))
    width = PANEL.width
    shown = ~(picture == 255).all(axis=2)
    left, right = (np.ptp(np.flatnonzero(half.any(axis=0))) + 1 for half in np.split(shown, 2, 1))
    assert left == 2 * right == width


def test_alpha_is_shown_on_a_chequerboard() -> None:
    corner = render(Use("flip", "a copy with alpha"))[:16, :16]
    assert sorted(np.unique(corner)) == [200, 245]
