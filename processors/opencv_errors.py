"""What OpenCV's exceptions say.

Their `code` and `err` are kept by the class, not by each exception: those of one that comes from
the C++ library, which sets neither, are of an earlier fault. Its text is its own.
"""

import re

import cv2

_NO_MEMORY = re.compile(r"error: \(-4:|std::bad_alloc")
_OPENCV = "OpenCV("


def lacks_memory(error: cv2.error) -> bool:
    """Whether memory did not suffice."""
    return _NO_MEMORY.search(str(error)) is not None


def reason_of(error: cv2.error) -> str:
    """The library's own words, without the file and the line of its code."""
    return error.err if str(error).startswith(_OPENCV) else str(error)
