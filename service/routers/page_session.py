"""Signing in to the pages with an API key, and out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from service.dependencies import ServicesDependency
from service.errors import NotAuthorized
from service.problems import problem_of
from service.web.rendering import page
from service.web.routes import page_router, plain_form
from service.web.sessions import COOKIE, SECONDS, Sessions, session_of

router = page_router()

Next = Annotated[str, Query(max_length=4096)]


@router.get("/session")
async def sign_in_page(
    request: Request, services: ServicesDependency, next: Next = "/"
) -> Response:
    sessions = Sessions(services.settings.server.api_keys)
    if not sessions.needed or sessions.holds(session_of(request.headers)):
        return RedirectResponse(_local(next), 303)
    return page(request, "session.html", next=_local(next), problem=None)


@router.post("/session")
async def sign_in(request: Request, services: ServicesDependency) -> Response:
    """The key is asked for once; the cookie holds a signed token in its place."""
    form = await request.form(max_files=0, max_fields=5)
    next = _local(str(form.get("next", "/")))
    token = Sessions(services.settings.server.api_keys).begin(str(form.get("key", "")).strip())
    if token is None:
        problem = problem_of(NotAuthorized("this key is not one of the service's"))
        return page(request, "session.html", problem.status, next=next, problem=problem)
    answer = RedirectResponse(next, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, token, max_age=SECONDS, httponly=True, samesite="strict", secure=secure
    )
    return answer


@router.post("/session/end")
async def sign_out(request: Request) -> Response:
    await plain_form(request)
    answer = RedirectResponse("/session", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _local(next: str) -> str:
    """An address of this service, whatever `next` is: a redirect leads nowhere else."""
    if not next.startswith("/") or next.startswith("//") or "\\" in next or not next.isprintable():
        return "/"
    return quote(next, safe="/?&=%+,:;@!$'()*~#[]{}\"")
