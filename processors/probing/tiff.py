"""TIFF: the tags of the first directory.

Source: TIFF 6.0, sections 3 to 8 and 16 to 23; "TIFF Technical Note 2" for samples in general.
The decoder applies the orientation tag whatever it is asked, so the sides are given as it leaves
them and nothing is left to apply.
"""

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing.header import Header
from processors.probing.ifd import first_values

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 262, 274
_SAMPLES, _COLOR_MAP, _SAMPLE_FORMAT, _PROFILE = 277, 320, 339, 34675
_WANTED = frozenset(
    (
        _WIDTH,
        _HEIGHT,
        _BITS,
        _PHOTOMETRIC,
        _ORIENTATION,
        _SAMPLES,
        _COLOR_MAP,
        _SAMPLE_FORMAT,
        _PROFILE,
    )
)

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _CIELAB = 0, 1, 2, 3, 5, 6, 8
_GRAYS = (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
_COLOURS = (_RGB, _PALETTE, _CMYK, _YCBCR, _CIELAB)
_UNSIGNED = 1
_SWAPS_SIDES = range(5, 9)


def read(data: bytes) -> Header:
    tags = first_values(data, 0, _WANTED)
    if not {_WIDTH, _HEIGHT, _PHOTOMETRIC} <= tags.keys():
        raise DamagedImage("The TIFF lacks its width, its height or its kind of colour")
    if tags.get(_SAMPLE_FORMAT, _UNSIGNED) != _UNSIGNED:
        raise UnsupportedFormat("TIFF of signed or floating-point samples is not supported")
    width, height = tags[_WIDTH], tags[_HEIGHT]
    if tags.get(_ORIENTATION) in _SWAPS_SIDES:
        width, height = height, width
    profile = _PROFILE in tags
    return Header("tiff", width, height, *_layout(tags), 1, False, profile=profile)


def _layout(tags: dict[int, int]) -> tuple[int, int]:
    """Channels and bits a sample of the decoded array."""
    photometric = _photometric(tags)
    gray = photometric in _GRAYS
    samples, bits = tags.get(_SAMPLES, 1 if gray else 3), tags.get(_BITS, 1)
    if bits not in _accepted_bits(photometric) or not 1 <= samples <= 4:
        raise UnsupportedFormat(f"TIFF of {samples} samples of {bits} bits is not supported")
    # deeper samples are kept for gray and RGB alone; gray with alpha is decoded to 8 bits of gray
    deep = bits > 8 and photometric <= _RGB and samples != 2
    return _channels(photometric, samples, bits), 16 if deep else 8


def _photometric(tags: dict[int, int]) -> int:
    """The kind of colour; a palette image without a palette is read as what its samples suggest."""
    value = tags[_PHOTOMETRIC]
    if value not in _GRAYS + _COLOURS:
        raise UnsupportedFormat(f"TIFF of photometric interpretation {value} is not supported")
    if value != _PALETTE or _COLOR_MAP in tags:
        return value
    return _RGB if tags.get(_SAMPLES) == 3 else _BLACK_IS_ZERO


def _accepted_bits(photometric: int) -> tuple[int, ...]:
    if photometric == _PALETTE:
        return 1, 4, 8
    return (8,) if photometric == _CMYK else (1, 8, 10, 12, 14, 16)


def _channels(photometric: int, samples: int, bits: int) -> int:
    if photometric in _GRAYS:
        return 1
    if photometric == _PALETTE:
        return 1 if bits == 1 else 3  # the decoder turns a palette of two colours to gray
    if samples == 2:
        raise UnsupportedFormat("TIFF of colour in two samples is not supported")
    return samples
