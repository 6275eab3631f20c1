"""What is looked at in the raw data of a request, before pydantic reads it."""

from typing import Any

from processors.operation import Operation
from schemas.operations import SkippedOperation, keep_valid

MOST_OPERATIONS, MOST_OWN = 1000, 10_000
"""Operations in a list; images' own variants in a request, and operations in all of these."""


def is_lenient(data: object) -> bool:
    """Whether wrong operations are left out, as `on_invalid: "skip"` wants it."""
    return isinstance(data, dict) and data.get("on_invalid") == "skip"


def own_within_limits(images: object) -> object:
    """`images` as they are. Raises ValueError: to read a million own variants takes half a minute.

    What else is wrong with them is left to pydantic.
    """
    variants = operations = 0
    for image in images if isinstance(images, list) else ():
        own = image.get("variants") if isinstance(image, dict) else None
        for variant in own if isinstance(own, list) else ():
            listed = variant.get("operations") if isinstance(variant, dict) else None
            operations += len(listed) if isinstance(listed, list) else 0
            variants += 1
    for count, what in ((variants, "own variants"), (operations, "operations in own variants")):
        if count > MOST_OWN:
            raise ValueError(
                f"{count:,} {what}, the limit is {MOST_OWN:,}: name them in the batch's `variants`"
            )
    return images


def valid_operations(data: object) -> tuple[Any, dict[int, Operation], list[SkippedOperation]]:
    """An object without the wrong ones of its `operations`; the others by their place; the wrong.

    Where there is no such list, or one too long, it is as it was: pydantic says so.
    """
    raw = data.get("operations") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(raw, list) or len(raw) > MOST_OPERATIONS:
        return data, {}, []
    kept, skipped = keep_valid(raw)
    return {**data, "operations": [operation for _, operation in kept]}, dict(kept), skipped
