"""Images that an operation needs beside its input: a watermark's.

Image work does no input and output of its own. Whoever runs it gives it a reader, which decides
what may be read; without one there is nothing to read from.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from processors.decoding import DecodeMode, decode
from processors.errors import ProcessorError, ResourceUnavailable
from processors.limits import Limits
from processors.operation import Image, Size
from processors.orientation import Orient
from processors.probing import probe

Reader = Callable[[str], bytes]
"""The bytes at a path. Raises ResourceUnavailable, in words fit for the user."""

_CACHED_BYTES = 64 * 1024 * 1024
"""Of decoded pixels; an image of more is decoded each time."""


class _State:
    """What `set_reader` sets; `decoded` by the digest of the file, the least used first."""

    reader: Reader | None = None
    limits = Limits()
    decoded: OrderedDict[bytes, Image] = OrderedDict()


def set_reader(reader: Reader | None, limits: Limits | None = None) -> None:
    """Read with `reader` from now on, within `limits`, in this process; None takes it away."""
    _State.reader = reader
    _State.limits = limits or Limits()
    _State.decoded.clear()


@contextmanager
def reading(reader: Reader | None, limits: Limits | None = None) -> Iterator[None]:
    """Read with `reader` meanwhile, and then as before."""
    before = _State.reader, _State.limits
    set_reader(reader, limits)
    try:
        yield
    finally:
        set_reader(*before)


def resource(path: str) -> Image:
    """The image at `path`, upright: (H, W[, C]) uint8 or uint16; not to be written to.

    It is read each time, so that a new file counts and a forbidden one is refused, and decoded
    when its bytes are new. Raises ResourceUnavailable.
    """
    if _State.reader is None:
        raise ResourceUnavailable(f"{path} cannot be read: no reader of images is set")
    data = _State.reader(path)
    key = hashlib.blake2b(data, digest_size=16).digest()
    if key not in _State.decoded:
        _keep(key, _decoded(path, data))
    _State.decoded.move_to_end(key)
    found = _State.decoded[key]
    _forget(_CACHED_BYTES)
    return found


def _decoded(path: str, data: bytes) -> Image:
    try:
        _State.limits.check_bytes(len(data))
        header = probe(data)
        _State.limits.check_size(Size(header.width, header.height))
        image = decode(data, header, DecodeMode())
    except ProcessorError as error:
        raise ResourceUnavailable(f"{path} cannot be used: {error}") from error
    return Orient(header.orientation).apply(image)


def _keep(key: bytes, image: Image) -> None:
    image.flags.writeable = False
    _State.decoded[key] = image


def _forget(most: int) -> None:
    """Drop the least used until `most` bytes are left."""
    while sum(image.nbytes for image in _State.decoded.values()) > most:
        _State.decoded.popitem(last=False)
