"""Routes whose answers are pages, errors included."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from service.errors import INTERNAL, CrossOrigin, kind_of
from service.handlers import request_error
from service.problems import problem_of
from service.web.rendering import page
from service.web.sessions import Sessions, session_of

FORM_TOKEN = "form_token"
_MAX_FIELDS = 50

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose errors are pages, in the problem's own words."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:
                if isinstance(error, RequestValidationError):
                    error = request_error(error)
                if kind_of(error) is INTERNAL:
                    raise
                return problem_page(request, error)

        return answer


def page_router() -> APIRouter:
    """A router for pages: they are no part of the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def problem_page(request: Request, error: Exception) -> Response:
    """The page that tells of `error`, with its status and what can be done about it."""
    problem, kind = problem_of(error), kind_of(error)
    return page(request, "problem.html", problem.status, problem=problem, advice=kind.advice)


async def plain_form(request: Request) -> FormData:
    """The fields of a form without files, once its token has been checked. Raises CrossOrigin."""
    form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    check_token(request, form.get(FORM_TOKEN))
    return form


def check_token(request: Request, given: object) -> None:
    """Raises CrossOrigin for a form that was not made for the session that sends it."""
    sessions = Sessions(request.app.state.services.settings.server.api_keys)
    wanted = sessions.form_token(session_of(request.headers))
    if wanted and given != wanted:
        raise CrossOrigin("the form is of another session: open the page again and send it anew")
