"""Operations that give an image the colours of a palette. Alpha stays as it is.

A gray image gets three channels; 16-bit images stay what they are.
"""

from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from processors.alpha import full_scale
from processors.cielab import from_lab, to_lab
from processors.colours import Color, bgr
from processors.levels import on_colour
from processors.operation import Image, Operation, Size

_SEPIA = np.array([[0.131, 0.534, 0.272], [0.168, 0.686, 0.349], [0.189, 0.769, 0.393]])
"""Rows and columns blue, green, red: the matrix of the W3C's Filter Effects."""

Map = Literal[
    "autumn",
    "bone",
    "jet",
    "winter",
    "rainbow",
    "ocean",
    "summer",
    "spring",
    "cool",
    "hsv",
    "pink",
    "hot",
    "parula",
    "magma",
    "inferno",
    "plasma",
    "viridis",
    "cividis",
    "twilight",
    "twilight_shifted",
    "turbo",
    "deepgreen",
]


class Sepia(Operation):
    """Give the brown of old photographs.

    The sepia matrix of the W3C's Filter Effects, limited to white. Gray becomes colour, unless the
    amount is 0; 16-bit images stay what they are; alpha stays.
    """

    op: Literal["sepia"] = "sepia"
    amount: float = Field(1, ge=0, le=1, description="0 changes nothing, 1 leaves no other colour.")

    example: ClassVar = "sepia"

    def apply(self, image: Image) -> Image:
        if self.amount == 0:
            return image
        matrix = np.eye(3) + (_SEPIA - np.eye(3)) * self.amount
        return on_colour(image, lambda colour: cv2.transform(_three(colour), matrix))  # type: ignore[arg-type,return-value]

    def output_channels(self, channels: int) -> int:
        return channels if self.amount == 0 else max(channels, 3)

    def is_identity(self, size: Size) -> bool:
        return self.amount == 0


class Tint(Operation):
    """Give every pixel the hue and chroma of one colour; its lightness stays.

    The lightness L* of the gray 0.299 R + 0.587 G + 0.114 B, with a* and b* of the colour (CIE
    L*a*b*, D65). Gray becomes colour; 16-bit images stay what they are; alpha stays.
    """

    op: Literal["tint"] = "tint"
    color: Color = Field(description="The colour whose hue and chroma are taken.")

    example: ClassVar = "tint=orange"

    def apply(self, image: Image) -> Image:
        return _through_palette(image, self._palette(full_scale(image)))

    def output_channels(self, channels: int) -> int:
        return max(channels, 3)

    def _palette(self, white: int) -> NDArray[Any]:
        ramp = np.arange(white + 1, dtype=np.uint8 if white == 255 else np.uint16)
        lab = to_lab(np.repeat(ramp[None, :, None], 3, axis=2))  # type: ignore[arg-type]
        lab[..., 1:] = to_lab(np.array([[bgr(self.color)]], np.uint8))[..., 1:]
        palette: NDArray[Any] = from_lab(lab, white)[0]
        return palette


class Colorize(Operation):
    """Draw in two colours, or three: dark becomes the first, light the second.

    The gray 0.299 R + 0.587 G + 0.114 B picks from a straight run of colours; half gray takes the
    middle colour where there is one. Gray becomes colour; 16-bit images stay what they are; alpha
    stays.
    """

    op: Literal["colorize"] = "colorize"
    shadows: Color = Field(description="The colour of black.")
    highlights: Color = Field(Color("white"), description="The colour of white.")
    midtones: Color | None = Field(None, description="The colour of half gray (127 of 255).")

    example: ClassVar = "colorize=navy,ivory"

    def apply(self, image: Image) -> Image:
        white = full_scale(image)
        stops = {0: self.shadows, 127: self.midtones, 255: self.highlights}
        given = {at: bgr(color) for at, color in stops.items() if color is not None}
        return _through_palette(image, _run(list(given), np.array(list(given.values())), white))

    def output_channels(self, channels: int) -> int:
        return max(channels, 3)


class Colormap(Operation):
    """Show brightness as false colours.

    The gray 0.299 R + 0.587 G + 0.114 B picks from a map of OpenCV; 16 bits take values between its
    256 colours. Gray becomes colour; alpha stays.
    """

    op: Literal["colormap"] = "colormap"
    palette: Map = Field("jet", description="The map's name in OpenCV.")

    example: ClassVar = "colormap=jet"

    def apply(self, image: Image) -> Image:
        number = getattr(cv2, f"COLORMAP_{self.palette.upper()}")
        colours = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], number)[0]
        return _through_palette(image, _run(list(range(256)), colours, full_scale(image)))

    def output_channels(self, channels: int) -> int:
        return max(channels, 3)


def _run(stops: list[int], colours: NDArray[Any], white: int) -> NDArray[Any]:
    """(white + 1, 3): `colours` at `stops`, both of 255, and straight runs between."""
    values = np.arange(white + 1) * (255 / white)
    return np.stack([np.interp(values, stops, part) for part in colours.T], 1) * (white / 255)


def _through_palette(image: Image, palette: NDArray[Any]) -> Image:
    """The gray of `image` looked up in `palette` (white + 1, 3)."""
    tables = np.ascontiguousarray(np.rint(palette).astype(image.dtype).T)

    def drawn(colour: Image) -> Image:
        gray = _gray(colour)
        return cv2.merge([cv2.LUT(gray, table) for table in tables])  # type: ignore[return-value]

    return on_colour(image, drawn)


def _gray(colour: Image) -> Image:
    return cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY) if colour.ndim == 3 else colour  # type: ignore[return-value]


def _three(colour: Image) -> Image:
    return cv2.cvtColor(colour, cv2.COLOR_GRAY2BGR) if colour.ndim == 2 else colour  # type: ignore[return-value]
