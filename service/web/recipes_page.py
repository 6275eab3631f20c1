"""Recipes: all of them, and the versions of one."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from schemas.recipes import Recipe
from service.services import Services
from service.store.base import NotStored
from service.web.pipelines import encode_text, lab_address, operation_texts
from service.web.rendering import page

_RECIPES, _VERSIONS = 100, 50


@dataclass(frozen=True)
class Shown:
    """A version of a recipe, and where the lab opens it: nowhere if it does not fit any more."""

    recipe: Recipe
    operations: list[str]
    encode: str
    lab: str

    @classmethod
    def of(cls, recipe: Recipe) -> "Shown":
        operations, encode = recipe.operations, recipe.encode
        return cls(
            recipe,
            operation_texts(operations),
            encode_text(encode),
            lab_address(operations, encode),
        )


async def recipes_page(request: Request, services: Services) -> Response:
    """Some recipes, behind the name in the address. Raises StoreError."""
    behind = request.query_params.get("cursor", "")
    everything = await services.store.recipes.all()
    rest = [one for one in everything if one.name > behind]
    return page(
        request,
        "recipes.html",
        recipes=[Shown.of(one) for one in rest[:_RECIPES]],
        total=len(everything),
        first=bool(behind),
        next=rest[_RECIPES - 1].name if len(rest) > _RECIPES else None,
    )


async def recipe_page(request: Request, services: Services, name: str) -> Response:
    """One recipe with its latest versions. Raises StoreError."""
    last = await services.store.recipes.get(name)
    found: dict[str, Any] = {"name": name, "last": Shown.of(last), "versions": []}
    for version in range(last.version, max(0, last.version - _VERSIONS), -1):
        try:
            one = await services.store.recipes.get(name, version)
        except NotStored:
            break  # it was removed once, and counts on
        found["versions"].append(Shown.of(one))
    return page(request, "recipe.html", **found)
