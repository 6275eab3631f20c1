"""Operations that map each colour value by a curve. Alpha stays as it is."""

import itertools
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from processors.levels import through_curve
from processors.operation import Image, Operation, Size


class Brightness(Operation):
    """Add an amount to every colour value.

    v + amount, limited to black and white. Gray and 16-bit images stay what they are; alpha stays.
    """

    op: Literal["brightness"] = "brightness"
    amount: float = Field(
        ge=-255, le=255, description="Levels of 8 bits to add; below 0 darkens. Scaled for 16 bits."
    )

    aliases: ClassVar = ("br",)
    example: ClassVar = "brightness=20"

    def apply(self, image: Image) -> Image:
        return through_curve(image, lambda value: value + self.amount / 255)

    def is_identity(self, size: Size) -> bool:
        return self.amount == 0


class Contrast(Operation):
    """Spread or narrow colour values about the middle between black and white.

    (v - white / 2) * factor + white / 2, limited. Gray and 16-bit images stay what they are; alpha
    stays.
    """

    op: Literal["contrast"] = "contrast"
    factor: float = Field(
        ge=0, le=100, description="1 changes nothing; below 1 flattens, 0 gives plain gray."
    )

    aliases: ClassVar = ("co",)
    example: ClassVar = "contrast=1.2"

    def apply(self, image: Image) -> Image:
        return through_curve(image, lambda value: (value - 0.5) * self.factor + 0.5)

    def is_identity(self, size: Size) -> bool:
        return self.factor == 1


class Gamma(Operation):
    """Brighten or darken the middle tones; black and white stay.

    white * (v / white) ** (1 / gamma). Gray and 16-bit images stay what they are; alpha stays.
    """

    op: Literal["gamma"] = "gamma"
    gamma: float = Field(
        ge=0.05, le=20, description="Above 1 brightens, below 1 darkens; 1 changes nothing."
    )

    example: ClassVar = "gamma=1.8"

    def apply(self, image: Image) -> Image:
        return through_curve(image, lambda value: value ** (1 / self.gamma))

    def is_identity(self, size: Size) -> bool:
        return self.gamma == 1


class Posterize(Operation):
    """Leave a few evenly spaced values in each channel, black and white among them.

    Each value takes the nearest. Gray and 16-bit images stay what they are; alpha stays.
    """

    op: Literal["posterize"] = "posterize"
    levels: int = Field(4, ge=2, le=256, description="How many values are left in each channel.")

    example: ClassVar = "posterize=4"

    def apply(self, image: Image) -> Image:
        steps = self.levels - 1
        return through_curve(image, lambda value: np.rint(value * steps) / steps)


class Solarize(Operation):
    """Invert the values from a threshold on, as an overexposed film does.

    white - v where v >= threshold. Gray and 16-bit images stay what they are; alpha stays.
    """

    op: Literal["solarize"] = "solarize"
    threshold: float = Field(
        128, ge=0, le=255, description="In levels of 8 bits; scaled for 16 bits."
    )

    example: ClassVar = "solarize=128"

    def apply(self, image: Image) -> Image:
        limit = self.threshold / 255
        return through_curve(image, lambda value: np.where(value >= limit, 1 - value, value))


Level = Annotated[float, Field(ge=0, le=255)]
Points = tuple[tuple[Level, Level], ...]


def _rising(points: Points) -> Points:
    if any(after[0] - before[0] < 0.01 for before, after in itertools.pairwise(points)):
        raise ValueError("the inputs of the points must rise, by 0.01 at least")
    return points


class Curves(Operation):
    """Map values by a curve through points.

    `smooth` is the monotone cubic of Fritsch and Butland (PCHIP), which does not overshoot;
    `linear` joins the points by straight lines. Before the first and after the last point the curve
    is flat. Gray and 16-bit images stay what they are; alpha stays.
    """

    op: Literal["curves"] = "curves"
    points: Annotated[Points, AfterValidator(_rising)] = Field(
        min_length=2,
        max_length=64,
        description="[input, output] pairs in levels of 8 bits, by rising input; scaled for 16.",
    )
    interpolation: Literal["smooth", "linear"] = Field(
        "smooth", description="How the curve runs between the points."
    )

    example: ClassVar = "curves=[[0,0],[64,50],[192,210],[255,255]]"

    def apply(self, image: Image) -> Image:
        x, y = np.array(self.points).T / 255
        if self.interpolation == "linear":
            return through_curve(image, lambda value: np.interp(value, x, y))
        return through_curve(image, lambda value: _pchip(value, x, y))


Values = NDArray[np.float64]


def _pchip(value: Values, x: Values, y: Values) -> Values:
    """The monotone piecewise cubic through (x, y), flat outside."""
    width, slope = np.diff(x), np.diff(y) / np.diff(x)
    tangent = _tangents(width, slope)
    value = np.clip(value, x[0], x[-1])
    at = np.clip(np.searchsorted(x, value, side="right") - 1, 0, len(width) - 1)
    t, h = (value - x[at]) / width[at], width[at]
    ahead = t * t * (3 - 2 * t)
    bend = t * (1 - t) * ((1 - t) * tangent[at] - t * tangent[at + 1])
    result: Values = y[at] * (1 - ahead) + y[at + 1] * ahead + h * bend
    return result


def _tangents(width: Values, slope: Values) -> Values:
    """The slope at each point: a weighted harmonic mean, 0 where the curve turns."""
    if len(slope) == 1:
        return np.repeat(slope, 2)
    before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    same = slope[:-1] * slope[1:] > 0
    left, right = np.where(same, slope[:-1], 1), np.where(same, slope[1:], 1)
    inner = np.where(same, (before + after) / (before / left + after / right), 0)
    first = _end(width[0], width[1], slope[0], slope[1])
    last = _end(width[-1], width[-2], slope[-1], slope[-2])
    return np.concatenate([[first], inner, [last]])


def _end(width: Any, next_width: Any, slope: Any, next_slope: Any) -> float:
    """The slope at an end by three points, kept from overshooting."""
    found = ((2 * width + next_width) * slope - width * next_slope) / (width + next_width)
    if found * slope <= 0:
        return 0.0
    if slope * next_slope <= 0 and abs(found) > 3 * abs(slope):
        return float(3 * slope)
    return float(found)
