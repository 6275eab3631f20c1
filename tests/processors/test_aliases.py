"""Names of other systems: a typical argument of each gives the operation that its user expects."""

import numpy as np
import pytest

from processors.operation import Operation
from processors.registry import registry
from tests.samples import photograph

USUAL = {
    "background": ("background=ffffff", "flatten", {"background": "white"}),
    "background_color": ("background_color=blue", "flatten", {"background": "blue"}),
    "bg": ("bg=ff8000", "flatten", {"background": "#ff8000"}),
    "bilateralFilter": (
        "bilateralFilter=9,75,75",
        "bilateral",
        {"diameter": 9, "sigma_color": 75, "sigma_space": 75},
    ),
    "br": ("br=40", "brightness", {"amount": 40}),
    "co": ("co=1.2", "contrast", {"factor": 1.2}),
    "equalizeHist": ("equalizeHist", "equalize", {}),
    "extend": ("extend=10,20,30,40", "pad", {"top": 10, "right": 20, "bottom": 30, "left": 40}),
    "extractChannel": ("extractChannel=green", "channel", {"channel": "green"}),
    "fill": ("fill=300x300,color=blue", "pad", {"width": 300, "height": 300, "color": "blue"}),
    "fit-in": ("fit-in=300x200", "thumbnail", {"width": 300, "height": 200}),
    "flop": ("flop", "flip", {"direction": "horizontal"}),
    "gaussian_blur": ("gaussian_blur=5,2", "blur", {"kernel_size": 5, "sigma": 2}),
    "gray": ("gray", "grayscale", {}),
    "grey": ("grey", "grayscale", {}),
    "greyscale": ("greyscale", "grayscale", {}),
    "medianBlur": ("medianBlur=5", "median", {"kernel_size": 5}),
    "negate": ("negate", "invert", {}),
    "padding": ("padding=10,20", "pad", {"top": 10, "right": 20}),
    "pd": ("pd=10", "pad", {"top": 10}),
    "pix": ("pix=10", "pixelate", {"block": 10}),
    "rot": ("rot=90", "rotate", {"degrees": 90}),
    "rs": ("rs=300x200,inside", "resize", {"width": 300, "height": 200, "fit": "inside"}),
    "sa": ("sa=1.5", "saturation", {"factor": 1.5}),
    "scale": ("scale=0.5", "resize", {"factor": 0.5}),
    "smartcrop": ("smartcrop=300x200", "smart_crop", {"width": 300, "height": 200}),
    "splitQuadrants": ("splitQuadrants=True", "split", {"rows": 2, "columns": 2}),
    "unsharp_mask": ("unsharp_mask=1.5", "sharpen", {"amount": 1.5}),
}


@pytest.mark.parametrize(("text", "name", "values"), USUAL.values(), ids=USUAL)
def test_a_usual_argument_gives_what_is_expected(
    text: str, name: str, values: dict[str, object]
) -> None:
    assert registry().parse(text) == registry().parse({"op": name, **values})


@pytest.mark.parametrize("operation", list(registry()), ids=lambda operation: operation.name())
def test_every_alias_is_tried_here(operation: type[Operation]) -> None:
    assert set(operation.aliases) <= USUAL.keys()


def test_flop_swaps_left_and_right() -> None:
    image = photograph(7, 5)
    assert np.array_equal(registry().parse("flop").produce(image)[0], image[:, ::-1])


def test_rot_turns_clockwise() -> None:
    image = photograph(7, 5)
    assert np.array_equal(registry().parse("rot=90").produce(image)[0], np.rot90(image, -1))


def test_fill_makes_room_up_to_a_size_in_the_colour() -> None:
    (result,) = registry().parse("fill=11x5,color=blue").produce(photograph(7, 5))
    assert result.shape == (5, 11, 3)
    assert (result[:, [0, 1, 9, 10]] == (255, 0, 0)).all()
    assert np.array_equal(result[:, 2:9], photograph(7, 5))
