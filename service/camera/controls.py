"""The settings of a camera, and how those that the device does not take are done by us.

Percent are the same for both: half is what a device or a picture has by itself, save for gain and
sharpness, which start at nothing in software.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from processors.levels import on_colour
from processors.operation import Image
from processors.registry import registry

Effect = Callable[[Image], Image]
"""From a frame to a frame, both (H, W, 3) uint8."""

Unit = Literal["%", "K", "px", "frames/s"]

DAYLIGHT_KELVIN = 6500.0


@dataclass(frozen=True)
class Control:
    """A setting: its range in `unit`, what it is in software at first, OpenCV's name of it.

    `effect` makes the operation for a value; None for size and rate. `automatic` is the property
    that a device has to be given first, with its values for manual and for automatic.
    """

    name: str
    unit: Unit
    minimum: float
    maximum: float
    property: int
    default: float | None = None
    effect: Callable[[float], Effect] | None = None
    automatic: tuple[int, float, float] | None = None


def operation(text: str) -> Effect:
    """The effect of an operation of the catalogue, in text form."""
    return registry().parse(text).apply


def _lit(factor: float) -> Effect:
    """Every value times `factor`, limited."""
    if factor >= 1:
        return operation(f"curves=[[0,0],[{255 / factor},255]],linear")
    return operation(f"curves=[[0,0],[255,{255 * factor}]],linear")


def _light_of(kelvin: float) -> tuple[float, float, float]:
    """Linear blue, green, red of a black body's light, green being 1.

    The Planckian locus in CIE xy by Kim et al. (US patent 7024034), then sRGB (IEC 61966-2-1).
    """
    t = 1e3 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    big_x, big_z = x / y, (1 - x - y) / y
    red = 3.2406 * big_x - 1.5372 - 0.4986 * big_z
    green = -0.9689 * big_x + 1.8758 + 0.0415 * big_z
    blue = 0.0557 * big_x - 0.2040 + 1.0570 * big_z
    return max(blue, 0.02) / green, 1.0, max(red, 0.02) / green


def _balanced(kelvin: float) -> Effect:
    """White under light of that temperature becomes white under daylight."""
    pairs = zip(_light_of(DAYLIGHT_KELVIN), _light_of(kelvin), strict=True)
    gains = np.array([(wanted / given) ** (1 / 2.2) for wanted, given in pairs])  # sRGB is curved
    values = np.arange(256)[:, None] * gains
    table = np.clip(np.rint(values), 0, 255).astype(np.uint8)[None]
    return lambda image: on_colour(image, lambda colour: cv2.LUT(colour, table))  # type: ignore[arg-type,return-value]


CONTROLS = (
    Control(
        "brightness",
        "%",
        0,
        100,
        cv2.CAP_PROP_BRIGHTNESS,
        50,
        lambda value: operation(f"brightness={(value - 50) * 2.55}"),
    ),
    Control(
        "contrast",
        "%",
        0,
        100,
        cv2.CAP_PROP_CONTRAST,
        50,
        lambda value: operation(f"contrast={4 ** ((value - 50) / 50)}"),
    ),
    Control(
        "saturation",
        "%",
        0,
        100,
        cv2.CAP_PROP_SATURATION,
        50,
        lambda value: operation(f"saturation={value / 50}"),
    ),
    Control(
        "hue",
        "%",
        0,
        100,
        cv2.CAP_PROP_HUE,
        50,
        lambda value: operation(f"hue={(value - 50) * 3.6}"),
    ),
    Control("gain", "%", 0, 100, cv2.CAP_PROP_GAIN, 0, lambda value: _lit(4 ** (value / 100))),
    Control(
        "exposure",
        "%",
        0,
        100,
        cv2.CAP_PROP_EXPOSURE,
        50,
        lambda value: _lit(4 ** ((value - 50) / 50)),
        # V4L2's manual and aperture priority, 1 and 3 of 4, as OpenCV scales them.
        (cv2.CAP_PROP_AUTO_EXPOSURE, 0.25, 0.75),
    ),
    Control(
        "sharpness",
        "%",
        0,
        100,
        cv2.CAP_PROP_SHARPNESS,
        0,
        lambda value: operation(f"sharpen={value / 25}"),
    ),
    Control(
        "white_balance",
        "K",
        2000,
        10000,
        cv2.CAP_PROP_WB_TEMPERATURE,
        DAYLIGHT_KELVIN,
        _balanced,
        (cv2.CAP_PROP_AUTO_WB, 0, 1),
    ),
    Control("width", "px", 16, 3840, cv2.CAP_PROP_FRAME_WIDTH),
    Control("height", "px", 16, 2160, cv2.CAP_PROP_FRAME_HEIGHT),
    Control("fps", "frames/s", 1, 120, cv2.CAP_PROP_FPS),
)
"""In the order in which they are applied to a picture, size and rate last."""

BY_NAME = {control.name: control for control in CONTROLS}
