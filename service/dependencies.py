"""What routes ask FastAPI for."""

from typing import Annotated, cast

from fastapi import Depends, Request

from service.services import Services


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


ServicesDependency = Annotated[Services, Depends(_services)]
