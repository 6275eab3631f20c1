"""Where a page of the library ended: the sort key's value and the id of its last image.

A cursor is opaque to clients: JSON in base64, the same in every store.
"""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import NamedTuple

from schemas.library import ImageQuery, LibraryImage, SortKey
from service.store.base import CursorRefused

Value = str | int | float
_INTEGERS = 2**63
_KINDS: dict[SortKey, type[str] | type[int] | tuple[type[int], type[float]]] = {
    "path": str,
    "width": int,
    "height": int,
    "megapixels": (int, float),
    "bytes": int,
    "modified": int,
}


class Order(NamedTuple):
    """By which key, and whether downwards."""

    key: SortKey
    descending: bool


def order_of(query: ImageQuery) -> Order:
    return Order(query.sort.lstrip("-"), query.sort.startswith("-"))  # type: ignore[arg-type]


def after(query: ImageQuery) -> tuple[Value, str] | None:
    """The value and the id that the page starts behind. Raises CursorRefused."""
    if query.cursor is None:
        return None
    try:
        sort, value, id = json.loads(base64.urlsafe_b64decode(query.cursor.encode()))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise CursorRefused("the cursor is none that this service gave") from None
    kind = _KINDS[order_of(query).key]
    if sort == query.sort and isinstance(value, kind) and isinstance(id, str):
        if not (_storable(value) and _storable(id)):
            raise CursorRefused("the cursor is none that this service gave")
        return value, id
    raise CursorRefused("the cursor belongs to a query with another `sort`")


def _storable(value: Value) -> bool:
    """Whether every database takes it: UTF-8, integers of 64 bits, numbers that have an order."""
    if isinstance(value, str):
        return value.encode(errors="ignore").decode() == value
    return -_INTEGERS <= value < _INTEGERS


def cursor(query: ImageQuery, last: LibraryImage) -> str:
    """What `after` reads, for a page that ends with `last`."""
    content = [query.sort, sort_value(last, order_of(query).key), last.id]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def sort_value(image: LibraryImage, key: SortKey) -> Value:
    value = getattr(image, key)
    return microseconds(value) if isinstance(value, datetime) else value


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly: a float would not hold them."""
    past = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
        microsecond=microseconds % 1_000_000
    )
