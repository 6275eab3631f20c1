"""Whether the outputs of an image are still what would be made of it."""

import hashlib
from collections.abc import Iterable

from service.engine.base import Known, Made
from service.storage import Storage


def digest_of(known: Known, contents: Iterable[bytes]) -> str:
    """What outputs are made of, in hexadecimal: the recipe, the input, and the resources."""
    parts = (hashlib.sha256(content).digest() for content in contents)
    return hashlib.sha256(known.recipe + b"".join(parts)).hexdigest()


def still_there(known: Known, digest: str, storage: Storage) -> bool:
    """Whether they were made of the same, and nobody has touched them since."""
    if known.digest != digest or not known.outputs:
        return False
    return all(
        storage.state_of_output(output.path) == (output.bytes, modified)
        for output, modified in known.outputs
    )


def made(digest: str, paths: list[str], storage: Storage) -> Made:
    """What is to be known of outputs that were just written."""
    return Made(digest, tuple(storage.state_of_output(path)[1] for path in paths))
