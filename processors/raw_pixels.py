"""The decoded pixels of an image, for who wants arrays."""

import json
from dataclasses import dataclass

from processors.decoding import DecodeMode, decode
from processors.limits import Limits
from processors.operation import Size, size_of
from processors.pipeline import Encoded, Processed, Timings
from processors.probing import probe

_END = b"\n"


@dataclass(frozen=True, slots=True)
class RawPixels:
    """The job: each result is a line of JSON, shape and dtype, and the pixels in C order."""

    @staticmethod
    def read(data: bytes) -> tuple[tuple[int, ...], str, bytes]:
        """The shape, the dtype's name, and the pixels of a result."""
        head, _, pixels = data.partition(_END)
        shape, dtype = json.loads(head)
        return tuple(shape), dtype, pixels


class PixelReader:
    """Decodes, and nothing else."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def run(self, data: bytes, path: str | None) -> Processed:
        """Raises ImageError, and OutOfMemory."""
        self._limits.check_bytes(len(data))
        header = probe(data)
        self._limits.check_size(Size(header.width, header.height))
        image = decode(data, header, DecodeMode())
        head = json.dumps([image.shape, image.dtype.name]).encode()
        result = Encoded(head + _END + image.tobytes(), size_of(image), header.format)
        return Processed([result], Timings(0, 0, 0, 0), ())
