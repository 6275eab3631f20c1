"""The stored results of jobs, read again."""

from schemas.results import ImageResult
from service.store.jobs import JobStore
from service.views import RESULT


async def result_of(jobs: JobStore, id: str, index: int) -> ImageResult:
    """What became of an image. Raises NotStored and StoreUnavailable."""
    return RESULT.validate_json((await jobs.result(id, index)).content)
