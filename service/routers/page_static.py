"""Style sheet and scripts of the pages."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, Response

from service.errors import NotFound
from service.library.content import matches
from service.web.rendering import STATIC, static_version

router = APIRouter(prefix="/static", include_in_schema=False)

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_GOOD = "public, max-age=31536000, immutable"


@router.get("/{version}/{name}")
async def static_file(
    version: str, name: Annotated[str, Path(pattern=r"^[a-z_]+\.[a-z]+$")], request: Request
) -> Response:
    """A file of `service/web/static`. The address of what it is now may be kept for good."""
    file = STATIC / name
    if file.suffix not in _TYPES or not file.is_file():
        raise NotFound(f"there is no static file {name}")
    current = version == static_version()
    headers = {
        "Cache-Control": _FOR_GOOD if current else "no-cache",
        "ETag": f'"{static_version()}"',
        "X-Content-Type-Options": "nosniff",
    }
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(file, media_type=_TYPES[file.suffix], headers=headers)
