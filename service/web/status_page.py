"""The status page: what GET /v1/status says, drawn."""

from fastapi import Request, Response

from service.services import Services
from service.status import service_status
from service.web.rendering import page

WORDS = {"ready": "ready", "idle": "waits", "off": "off", "trouble": "trouble"}
SIGNS = {"ready": "●", "idle": "○", "off": "□", "trouble": "▲"}
"""A state is told by a sign, a word and a colour: not everybody sees the last."""

_PARTS = (
    ("engine", "Workers"),
    ("store", "Store"),
    ("camera", "Camera"),
    ("stream", "Image stream"),
    ("ingest", "TCP listener"),
)


async def status_page(request: Request, services: Services) -> Response:
    """It tells of a database that is away, and raises nothing for it."""
    status = await service_status(services)
    return page(
        request,
        "status.html",
        now=status,
        parts=[(name, title, getattr(status, name)) for name, title in _PARTS],
        words=WORDS,
        signs=SIGNS,
    )
