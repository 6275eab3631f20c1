"""Recipes in a browser: look, open in the lab, remove."""

import json
from urllib.parse import quote, unquote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.browser import Visitor
from tests.web.conftest import Site
from tests.web.test_every_page import is_for_everybody

ATTACK = "<img src=x onerror=alert(1)> \N{RIGHT-TO-LEFT OVERRIDE}\N{FILM FRAMES}&#?%" + "n" * 160


@pytest.fixture
def recipe(site: Site) -> str:
    """The address of a recipe with two versions."""
    address = "/recipes/" + quote(ATTACK, safe="")
    for operations in (["sepia"], ["sepia", {"op": "blur", "kernel_size": 9}]):
        body = {"operations": operations, "encode": {"format": "webp", "quality": 60}}
        site.client.put(f"/v1{address}", json=body).raise_for_status()
    return address


def test_a_recipe_is_found_from_the_lab_and_shows_its_versions(
    visitor: Visitor, recipe: str
) -> None:
    page = visitor.open("/lab")
    page.get_by_role("link", name="Recipes").click()
    card = page.locator(".card").filter(has_text="onerror")
    expect(card.locator("code")).to_have_text(["sepia", "blur=9"])
    expect(card).to_contain_text("webp, quality 60")
    card.locator("h2 a").click()
    assert page.locator("h1").text_content() == ATTACK
    expect(page.locator(".versions li.card h2")).to_have_count(2)
    page.emulate_media(reduced_motion="reduce")
    is_for_everybody(page)
    page.get_by_role("link", name="Run on a folder").click()
    expect(page.locator("[name=recipe]")).to_have_value(ATTACK)


def test_a_version_opens_in_the_lab_with_its_options(visitor: Visitor, recipe: str) -> None:
    page = visitor.open(recipe)
    page.get_by_role("link", name="Open in the lab").click()
    expect(page.locator("li.step")).to_have_count(2)
    address: str = page.evaluate("location.href")
    pipeline = json.loads(unquote(urlsplit(address).fragment))
    assert pipeline["steps"][1] == {"op": "blur", "kernel_size": 9}
    assert pipeline["encode"] == {"format": "webp", "quality": 60}


def test_without_scripts_a_recipe_is_removed_when_that_is_confirmed(
    plain_visitor: Visitor, recipe: str, site: Site
) -> None:
    page = plain_visitor.open(recipe)
    page.get_by_text("Delete…").click()
    page.get_by_label("Remove it with all its versions").check()
    page.get_by_role("button", name="Delete the recipe").click()
    expect(page.locator("main")).not_to_contain_text("onerror")
    assert ATTACK not in [one["name"] for one in site.client.get("/v1/recipes").json()]
