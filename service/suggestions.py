"""Which key a client may have meant."""

import difflib
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from processors.encoding import EncodeOptions
from processors.registry import registry
from schemas.batches import BatchRequest
from schemas.process import ProcessQuery


def nearest(key: str, known: Iterable[str]) -> str:
    """A question with the known key nearest to `key`; else the known ones."""
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if names else ""


def known_keys(origin: object, location: Sequence[str | int]) -> list[str]:
    """The keys that the object at pydantic's `location` (its last part left out) may have.

    `origin` is body, query or form.
    """
    parts = [part for part in location[:-1] if isinstance(part, str)]
    if not parts:
        return _TOP_LEVEL[str(origin)]
    if parts[0] == "operations":
        return list(registry().get(parts[-1]).parameters())
    if parts[0] == "images":
        return ["input", "output"]
    return _fields(EncodeOptions)


def _fields(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


_TOP_LEVEL = {
    "body": _fields(BatchRequest),
    "query": _fields(ProcessQuery),
    "form": [*_fields(ProcessQuery), "encode"],
}
