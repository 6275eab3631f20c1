"""The status of the service as a page."""

from fastapi import Request, Response

from service.dependencies import ServicesDependency
from service.web.routes import page_router
from service.web.status_page import status_page

router = page_router()


@router.get("/status")
async def show_status(request: Request, services: ServicesDependency) -> Response:
    return await status_page(request, services)
