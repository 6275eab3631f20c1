"""Recipes in requests."""

from typing import TypeVar

from pydantic import ValidationError

from schemas.batches import PipelineRequest
from schemas.recipes import RecipeBody
from service.errors import InvalidRequest
from service.store.base import RecipeStore

Request = TypeVar("Request", bound=PipelineRequest)

_VERSION = "@"


async def resolved(request: Request, recipes: RecipeStore) -> Request:
    """`request` with the operations of the recipe that it names, if it names one.

    Raises NotStored, and InvalidRequest when the recipe does not fit this service any more.
    """
    if request.recipe is None:
        return request
    name, at, version = request.recipe.rpartition(_VERSION)
    if at and not version.isdecimal():
        detail = f"{version!r} is no version: write `recipe` or `recipe@2`"
        raise InvalidRequest(detail, [("/recipe", detail)])
    recipe = await (recipes.get(name, int(version[:9])) if at else recipes.get(request.recipe))
    body = RecipeBody.model_validate(recipe.model_dump(include=set(RecipeBody.model_fields)))
    try:
        return request.standing_for(pipeline_request(body))
    except ValidationError as error:
        detail = f"the recipe does not fit this service any more: {error.errors()[0]['msg']}"
        raise InvalidRequest(detail, [("/recipe", detail)]) from None


def pipeline_request(body: RecipeBody) -> PipelineRequest:
    """What `body` stands for. Raises ValidationError."""
    return PipelineRequest.model_validate(body.model_dump())
