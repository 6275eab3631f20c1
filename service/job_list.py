"""The list of jobs, page by page."""

import base64
import binascii
import json

from schemas.jobs import JobState
from service.store.errors import CursorRefused
from service.store.jobs import JobStore, StoredJob

_MOST_MICROSECONDS = 2**53


async def jobs_page(
    jobs: JobStore, state: JobState | None, limit: int, cursor: str | None
) -> tuple[list[StoredJob], str | None]:
    """Up to `limit` jobs, the latest first, and the cursor of the next page.

    Raises CursorRefused and StoreUnavailable.
    """
    before = None if cursor is None else _read_cursor(cursor)
    found = await jobs.page(state, before, limit + 1)
    page = found[:limit]
    return page, _cursor(page[-1]) if len(found) > limit else None


def _cursor(job: StoredJob) -> str:
    return base64.urlsafe_b64encode(json.dumps([job.created_at, job.id]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        moment, id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise CursorRefused("the cursor is none that this service gave") from None
    known = isinstance(moment, int) and abs(moment) < _MOST_MICROSECONDS and isinstance(id, str)
    if not known or id.encode(errors="ignore").decode() != id:  # no database takes a surrogate
        raise CursorRefused("the cursor is none that this service gave")
    return moment, id
