"""Each operation makes of a picture what it made before, within the tolerance stated."""

from pathlib import Path

import numpy as np
import pytest

from processors.registry import registry
from tests.golden import catalogue
from tests.golden.catalogue import COMMAND, entry, moved, read, uses
from tests.golden.fingerprint import differences, fingerprint
from tests.golden.pictures import picture

GOLDEN = read()
COLOUR = picture(96, 64, 3, 8)


@pytest.mark.parametrize("use", uses())
def test_the_pixels_are_the_golden_ones(use: str) -> None:
    assert use in GOLDEN, f"{use} has no golden image yet: run `{COMMAND}` and review the change"
    changes = moved(entry(use), GOLDEN[use])
    lines = "\n".join(f"  {change}" for change in changes)
    assert not changes, f"{use} moved; if it was meant to, run `{COMMAND}`:\n{lines}"


def test_no_golden_image_is_of_a_use_that_is_gone() -> None:
    assert GOLDEN.keys() - uses().keys() == set(), f"run `{COMMAND}`"


def test_the_file_is_as_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = catalogue.FILE.read_text(encoding="utf-8")
    monkeypatch.setattr(catalogue, "FILE", tmp_path / "operations.json")
    catalogue.write(GOLDEN)
    assert catalogue.FILE.read_text(encoding="utf-8") == kept


# --- what the fingerprint tells ----------------------------------------------------------------


def test_a_lighter_corner_is_named_by_its_channel_and_cell() -> None:
    image = COLOUR // 2
    lighter = image.copy()
    lighter[42:, 72:, 2] += 2
    (change,) = differences(fingerprint(lighter), fingerprint(image))
    assert change.startswith("red, cell in row 3, column 4: mean ")


def test_a_wider_blur_is_told_by_its_roughness() -> None:
    image = picture(96, 64, 1, 8)
    narrow, wide = (registry().parse(f"blur=0,{sigma}").apply(image) for sigma in (0.5, 1))
    found = differences(fingerprint(wide), fingerprint(narrow))
    assert any("roughness" in change for change in found)


def test_another_size_or_depth_is_told() -> None:
    golden = fingerprint(COLOUR)
    for other in (picture(95, 64, 3, 8), picture(96, 64, 1, 8), picture(96, 64, 3, 16)):
        assert differences(fingerprint(other), golden)


def test_a_level_in_a_few_pixels_is_within_the_tolerance() -> None:
    image = COLOUR
    other = image.astype(int) + (np.random.default_rng(1).random(image.shape) < 0.2)
    found = fingerprint(np.clip(other, 0, 255).astype(np.uint8))
    assert differences(found, fingerprint(image)) == []


def test_unseen_colour_does_not_count() -> None:
    image = picture(96, 64, 4, 8)
    other = image.copy()
    other[image[..., 3] == 0] = (255, 255, 255, 0)
    assert fingerprint(other) == fingerprint(image)
