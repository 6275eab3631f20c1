"""Pipelines with names."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from schemas.recipes import Recipe, RecipeBody
from service.dependencies import ServicesDependency
from service.recipes import pipeline_request

router = APIRouter(prefix="/v1/recipes", tags=["recipes"])

Name = Annotated[str, Path(openapi_examples={"thumbnail": {"value": "thumbnail"}})]


@router.get("", summary="All recipes")
async def list_recipes(services: ServicesDependency) -> list[Recipe]:
    """The last version of each, by name."""
    return await services.store.recipes.all()


@router.put("/{name}", summary="Store a recipe")
async def put_recipe(name: Name, body: RecipeBody, services: ServicesDependency) -> Recipe:
    """A change makes the next version; the same again gives the version that is there.

    `"recipe": "name"` then stands for the operations wherever those may be given.
    """
    try:
        services.check_counts((), pipeline_request(body).operations)
    except ValidationError as error:
        findings = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(findings, body=body.model_dump()) from None
    return await services.store.recipes.put(name, body)


@router.get("/{name}", summary="One recipe")
async def get_recipe(
    name: Name,
    services: ServicesDependency,
    version: Annotated[int | None, Query(ge=1, le=10**9)] = None,
) -> Recipe:
    """The last version, or the one that is asked for."""
    return await services.store.recipes.get(name, version)


@router.delete("/{name}", status_code=204, summary="Remove a recipe")
async def delete_recipe(name: Name, services: ServicesDependency) -> None:
    """With all its versions. A recipe of this name that comes later goes on counting."""
    await services.store.recipes.remove(name)
