"""What the `type` of a problem stands for."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.errors import INTERNAL, KINDS, TYPE_PREFIX, NotFound

router = APIRouter(prefix=TYPE_PREFIX.rstrip("/"), tags=["service"])

_BY_SLUG = {kind.slug: kind for kind in (*KINDS.values(), INTERNAL)}


@router.get("/{slug}", summary="A kind of problem, and what to do about it")
async def show_problem(
    slug: Annotated[str, Path(openapi_examples={"damaged": {"value": "damaged-image"}})],
) -> dict[str, str | int]:
    if slug not in _BY_SLUG:
        raise NotFound(f"there is no problem {slug!r}; known are {', '.join(sorted(_BY_SLUG))}")
    kind = _BY_SLUG[slug]
    return {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "advice": kind.advice,
    }
