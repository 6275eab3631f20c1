"""The status in a browser: what it says, and how it follows."""

import re

from playwright.sync_api import Page, expect

from tests.web.browser import Visitor
from tests.web.conftest import Site

IMAGES = "#images [data-value]"


def come_back(page: Page) -> None:
    """To the page, which then looks at once."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_without_scripts_it_tells_each_part_versions_and_limits(plain_visitor: Visitor) -> None:
    page = plain_visitor.open("/status")
    store = page.locator(".part").filter(has_text="Store")
    expect(store.locator(".state")).to_have_text("● ready")
    expect(page.locator(".part").filter(has_text="TCP listener")).to_contain_text("□ off")
    expect(page.locator("#workers")).to_contain_text("busy of 2")
    expect(page.locator("main")).to_contain_text("SQLite")
    page.get_by_text("Limits").click()
    expect(page.locator(".limits tr").filter(has_text="DARKROOM_MAX_PIXELS")).to_contain_text(
        "50 MP"
    )
    expect(page.get_by_role("link", name="Reload")).to_be_visible()


def test_it_follows_the_work_and_draws_its_rate(visitor: Visitor, site: Site) -> None:
    page = visitor.open("/status")
    page.wait_for_selector("#workers .spark .line[d]", state="attached")
    path = f"/v1/images/{site.id('study_0.jpg')}/content"
    site.client.get(path, params={"operations": "blur"}).raise_for_status()
    come_back(page)
    page.wait_for_function(f"Number(document.querySelector({IMAGES!r}).textContent) > 0")
    expect(page.locator("#images .value")).to_contain_text("a second")
    expect(page.locator("#images .spark .line")).to_have_attribute("d", re.compile("^M.*L"))
    expect(page.locator("#processes tr").first).to_contain_text("server")


def test_it_says_when_the_service_does_not_answer_and_goes_on(visitor: Visitor) -> None:
    page = visitor.open("/status")
    page.wait_for_selector("#workers .spark .line[d]", state="attached")
    page.route("**/v1/status", lambda route: route.abort("aborted"), times=1)
    come_back(page)
    expect(page.get_by_role("alert")).to_contain_text("No answer")
    come_back(page)
    expect(page.get_by_role("alert")).to_have_count(0)
