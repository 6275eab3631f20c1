"""What holds for each page: it fits its window, keeps nobody out, and needs no other host."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.web.browser import serious_faults, sticks_out, visiting
from tests.web.conftest import Site

# Where a page is, and what is there when all of it is.
PAGES = {
    "/": ".gallery img",
    "/?name=nothing-has-this-name": ".empty",
    "/images/{id}?filter=blur": ".histogram",
    "/lab": "image-view .empty",
    "/collections": ".creating",
    "/jobs": "form.batch",
    "/recipes": "main h1",
    "/status": ".spark .line[d]",
    "/lab?image={id}&operations=crop=9,9,90,90": "image-view .after[src]",
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = [(360, 740), (1280, 800), (3840, 2160)]


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    path: str = request.param
    with visiting(browser, site.url, reduced_motion="reduce") as visitor:
        visitor.page.goto(path.format(id=site.id("study_1.jpg")))
        visitor.page.wait_for_selector(PAGES[path], state="attached")
        yield visitor.page


def test_it_is_for_everybody(page: Page) -> None:
    is_for_everybody(page)


def is_for_everybody(page: Page) -> None:
    """For windows of all widths, light and dark, and those who do not see it."""
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        assert sticks_out(page) <= 0, width
    for landmark in ("header", "header nav", "main"):
        assert page.locator(landmark).count() == 1, landmark
    assert page.locator("h1").count() == 1
    assert page.title().endswith(" · Darkroom")
    if page.locator(".step .name").count():
        page.locator(".step .name").click()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert serious_faults(page) == [], scheme
