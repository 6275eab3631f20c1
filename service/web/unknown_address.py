"""What a browser shows of an address where nothing is."""

from typing import cast

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from service.handlers import http_error, problem_response
from service.web.rendering import prefers_html
from service.web.routes import problem_page


def install(app: FastAPI) -> None:
    """Answer what the framework refuses with a page where a browser asks, else as before."""
    app.add_exception_handler(HTTPException, _refused)


async def _refused(request: Request, error: Exception) -> Response:
    http = cast(HTTPException, error)
    refused = http_error(request, http)
    headers = dict(http.headers or {})
    if not prefers_html(request.headers.get("accept", "")):
        return problem_response(refused, headers)
    answer = problem_page(request, refused)
    answer.headers.update(headers)
    return answer
