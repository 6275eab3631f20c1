"""What an inspection finds out: the answer of the API as it stands."""

from pydantic import BaseModel, Field

from processors.probing import ImageFormat

TagValue = str | int | float | list[int] | list[float]

EXAMPLE = "testimages/cyclo1.jpg"


class Alpha(BaseModel):
    """Transparency."""

    has: bool = Field(description="Whether the image has an alpha channel once it is decoded.")
    transparent: bool = Field(description="Whether any pixel is less than opaque.")


class Profile(BaseModel):
    """An ICC profile that is in the file."""

    description: str | None = Field(description="Its own name, as `sRGB IEC61966-2.1`.")
    colour_space: str | None = Field(description="Of ICC.1: RGB, GRAY, CMYK, Lab, ...")


class DominantColor(BaseModel):
    """One of the colours that a picture is made of."""

    hex: str = Field(description="#rrggbb.", examples=["#2f4f4f"])
    share: float = Field(description="Part of the pixels that are not wholly transparent, 0 to 1.")


class Report(BaseModel):
    """What is known of an image. Pixels are those of the first frame, turned upright, in the
    colours of the file: a profile is named, not applied. Levels are of 8 bits: 0 to 255."""

    format: ImageFormat
    width: int = Field(description="Pixels, as seen upright.")
    height: int = Field(description="Pixels, as seen upright.")
    stored_width: int | None = Field(
        description="Pixels, where the file has width and height exchanged; else null."
    )
    stored_height: int | None = Field(description="As stored_width.")
    megapixels: float = Field(description="Millions of pixels of a frame.")
    bytes: int = Field(description="Length of the file.")
    sha256: str = Field(description="Of the file, as 64 hex digits.")
    channels: int = Field(description="1 gray, 3 colour, 4 colour and alpha; as it is decoded.")
    bit_depth: int = Field(description="Bits a sample, 8 to 16; fewer are decoded to 8.")
    orientation: int = Field(description="EXIF 1 to 8 that was applied to see it upright; 1: none.")
    frames: int = Field(description="Of an animation; 1 for a still image.")
    progressive: bool = Field(description="A progressive JPEG, or an interlaced PNG.")
    alpha: Alpha
    exif: dict[str, TagValue] = Field(
        description="Tags by their names in Exif 3.0: 200 at most, text cut at 1,000 characters, "
        "no binary ones. GPSLatitude and GPSLongitude are degrees, south and west negative; "
        "GPSAltitude is metres, negative below the sea.",
        examples=[{"Make": "Canon", "FNumber": 2.8, "GPSLatitude": 48.858222}],
    )
    profile: Profile | None = Field(description="Null when there is none that can be read.")
    histogram: dict[str, list[int]] = Field(
        description="By channel (gray; or blue, green, red; and alpha): how many pixels have each "
        "of 256 levels. Of 16 bits the high byte counts."
    )
    mean: dict[str, float] = Field(description="By channel, in levels; 16 bits are divided by 257.")
    standard_deviation: dict[str, float] = Field(description="As mean.")
    sharpness: float = Field(
        description="Variance of the Laplacian of gray in levels (Pech-Pacheco et al. 2000): the "
        "lower, the more blurred; compare pictures of one size."
    )
    perceptual_hash: str = Field(
        description="64-bit DCT hash of pHash (Zauner 2010) as 16 hex digits: pictures that look "
        "alike differ in few bits.",
        examples=["b1d19ae98e3a4c1f"],
    )
    dominant_colors: list[DominantColor] = Field(
        description="5 at most, the largest share first: clusters in CIE L*a*b* of a copy of at "
        "most 64 x 64 pixels. Empty when nothing can be seen."
    )
