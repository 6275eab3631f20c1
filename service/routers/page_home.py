"""The first address: the library for those who look, JSON for programs."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.dependencies import ServicesDependency
from service.web.library_page import library_page
from service.web.rendering import prefers_html
from service.web.routes import PageRoute

router = APIRouter(route_class=PageRoute, tags=["service"])


@router.get("/", summary="What this is, and where things are", response_model=dict[str, str])
async def home(request: Request, services: ServicesDependency) -> Response:
    """Browsers get the page of the library."""
    if prefers_html(request.headers.get("accept", "")):
        return await library_page(request, services)
    addresses = {
        "name": request.app.title,
        "version": request.app.version,
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "operations": "/v1/operations",
        "batches": "/v1/batches",
        "process": "/v1/process",
        "health": "/healthz",
        "metrics": "/metrics",
    }
    return JSONResponse(addresses, headers={"Vary": "Accept"})
