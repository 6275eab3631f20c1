"""Recipes as pages."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response

from service.dependencies import ServicesDependency
from service.web.collections_page import confirmed
from service.web.recipes_page import recipe_page, recipes_page
from service.web.routes import page_router, plain_form

router = page_router()

Name = Annotated[str, Path(max_length=1000)]


@router.get("/recipes")
async def show_recipes(request: Request, services: ServicesDependency) -> Response:
    return await recipes_page(request, services)


@router.get("/recipes/{name}")
async def show_recipe(name: Name, request: Request, services: ServicesDependency) -> Response:
    return await recipe_page(request, services, name)


@router.post("/recipes/{name}/delete")
async def delete_recipe(name: Name, request: Request, services: ServicesDependency) -> Response:
    confirmed(await plain_form(request))
    await services.store.recipes.remove(name)
    return RedirectResponse("/recipes", 303)
