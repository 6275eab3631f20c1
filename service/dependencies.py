"""What routes ask FastAPI for."""

from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from service.live.streams import Streams
from service.services import Services


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


def _streams(connection: HTTPConnection) -> Streams:
    return cast(Streams, connection.app.state.streams)


ServicesDependency = Annotated[Services, Depends(_services)]
StreamsDependency = Annotated[Streams, Depends(_streams)]
