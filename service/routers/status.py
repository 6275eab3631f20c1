"""What the service does now."""

from fastapi import APIRouter

from schemas.status import ServiceStatus
from service.dependencies import ServicesDependency
from service.status import service_status

router = APIRouter(prefix="/v1/status", tags=["service"])


@router.get("", summary="What the service does now")
async def get_status(services: ServicesDependency) -> ServiceStatus:
    """Workers, memory, jobs, counters, versions, limits, and how each part is.

    It says of the database that it is away, and answers then, too.
    """
    return await service_status(services)
