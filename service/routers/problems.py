"""What the `type` of a problem stands for."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from service.errors import INTERNAL, KINDS, TYPE_PREFIX, NotFound
from service.web.rendering import page, prefers_html
from service.web.routes import problem_page

router = APIRouter(prefix=TYPE_PREFIX.rstrip("/"), tags=["service"])

_BY_SLUG = {kind.slug: kind for kind in (*KINDS.values(), INTERNAL)}


@router.get(
    "/{slug}",
    summary="A kind of problem, and what to do about it",
    response_model=dict[str, str | int],
)
async def show_problem(
    request: Request,
    slug: Annotated[str, Path(openapi_examples={"damaged": {"value": "damaged-image"}})],
) -> Response:
    """Browsers get a page."""
    for_people = prefers_html(request.headers.get("accept", ""))
    if slug not in _BY_SLUG:
        known = ", ".join(sorted(_BY_SLUG))
        error = NotFound(f"there is no problem {slug!r}; known are {known}")
        if for_people:
            return problem_page(request, error)
        raise error
    kind = _BY_SLUG[slug]
    if for_people:
        return page(request, "problem_kind.html", kind=kind)
    described = {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "advice": kind.advice,
    }
    return JSONResponse(described, headers={"Vary": "Accept"})
