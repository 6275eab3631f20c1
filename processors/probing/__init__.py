"""Reading the header of an image: what decoding will yield, for a few microseconds and no pixels.

A probe works on the bytes of the whole file, looks at a few of them, and never decodes. The rule
behind all its answers: `cv2.imdecode(data, cv2.IMREAD_UNCHANGED)` of the same bytes, where it
succeeds, yields an array of shape `(height, width[, channels])` and of `bit_depth` bits a sample.
For JPEG, `cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION` yields the same.
"""

from processors.probing.dispatch import probe
from processors.probing.header import FORMATS, Header, ImageFormat
from processors.probing.magic import sniff

__all__ = ["FORMATS", "Header", "ImageFormat", "probe", "sniff"]
