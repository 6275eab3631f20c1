"""What an index keeps of an image: the facts of its header, a digest, and a perceptual hash."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Self

from processors.decoding import DecodeMode, decode
from processors.errors import DamagedImage
from processors.limits import Limits
from processors.operation import Image, Size
from processors.orientation import Orient
from processors.perceptual_hash import perceptual_hash
from processors.pipeline import Encoded, Processed, Timings
from processors.probing import Header, ImageFormat, probe

_REDUCTIONS = (8, 4, 2)
_ENOUGH = 64
"""Pixels of the shorter side: twice what the perceptual hash looks at."""


@dataclass(frozen=True, slots=True)
class FingerprintFacts:
    """Sizes in pixels, as seen upright; the hash is 16 hex digits, None for damaged pixels."""

    width: int
    height: int
    format: ImageFormat
    channels: int
    bit_depth: int
    sha256: str
    perceptual_hash: str | None

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        return cls(**json.loads(data))


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The job. `strict`: an image whose pixels are damaged fails, as it does in a pipeline."""

    strict: bool = False


class Fingerprinter:
    """Makes one result: the facts as JSON."""

    def __init__(self, job: Fingerprint, limits: Limits) -> None:
        self._job = job
        self._limits = limits

    def run(self, data: bytes, path: str | None) -> Processed:
        """Raises ImageError, and OutOfMemory."""
        self._limits.check_bytes(len(data))
        header = probe(data)
        self._limits.check_size(Size(header.width, header.height))
        upright = Orient(header.orientation).output_size(Size(header.width, header.height))
        facts = FingerprintFacts(
            width=upright.width,
            height=upright.height,
            format=header.format,
            channels=header.channels,
            bit_depth=header.bit_depth,
            sha256=hashlib.sha256(data).hexdigest(),
            perceptual_hash=self._hash(data, header),
        )
        result = Encoded(facts.to_json(), upright, header.format)
        return Processed([result], Timings(0, 0, 0, 0), ())

    def _hash(self, data: bytes, header: Header) -> str | None:
        try:
            image = decode(data, header, DecodeMode() if self._job.strict else _least(header))
        except DamagedImage:
            if self._job.strict:
                raise
            return None
        return f"{perceptual_hash(_upright(image, header)):016x}"


def _upright(image: Image, header: Header) -> Image:
    return Orient(header.orientation).apply(image)


def _least(header: Header) -> DecodeMode:
    """The smallest decoding that the hash can be worked out from."""
    if header.format != "jpeg":
        return DecodeMode()
    shorter = min(header.width, header.height)
    enough = (one for one in _REDUCTIONS if shorter // one >= _ENOUGH)
    return DecodeMode("gray", next(enough, 1))
