"""Signing in with an API key, as a browser does it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.live import LiveServer
from tests.web.browser import Visitor, serious_faults, visiting
from tests.web.conftest import fill

KEY = "a-key-for-the-pages-0123"


@pytest.fixture(scope="module")
def locked(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    root: Path = tmp_path_factory.mktemp("locked")
    fill(root / "library")
    settings = {"library": root / "library", "store": f"sqlite:///{root}/store.db", "workers": 1}
    with LiveServer(root, api_keys=KEY, **settings) as server:
        server.wait_for("library: 8 added")
        yield server


@pytest.fixture
def visitor(browser: Browser, locked: LiveServer) -> Iterator[Visitor]:
    with visiting(browser, locked.url) as found:
        yield found


def sign_in(visitor: Visitor, path: str) -> None:
    page = visitor.open(path)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()


def test_a_page_asks_for_the_key_once_and_then_shows_what_was_wanted(visitor: Visitor) -> None:
    sign_in(visitor, "/?name=study_1")
    expect(visitor.page.locator(".gallery .name")).to_have_text(["study_1.jpg"])
    page = visitor.open("/lab")
    expect(page.get_by_role("heading", name="Put an image on the table")).to_be_visible()


def test_the_cookie_is_out_of_reach_of_scripts_and_does_not_hold_the_key(visitor: Visitor) -> None:
    sign_in(visitor, "/")
    expect(visitor.page.locator(".gallery")).to_be_visible()
    (cookie,) = visitor.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
    assert KEY not in cookie["value"]
    assert visitor.page.evaluate("document.cookie") == ""


def test_a_wrong_key_is_refused_on_the_page_that_asks(visitor: Visitor) -> None:
    visitor.expect(401)
    page = visitor.open("/")
    assert serious_faults(page) == []
    page.get_by_label("API key").fill("something else entirely")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("this key is not one of the service's")


def test_who_signs_out_is_asked_again(visitor: Visitor) -> None:
    sign_in(visitor, "/")
    visitor.page.wait_for_load_state("networkidle")  # what is loaded later is refused
    visitor.page.get_by_role("button", name="Sign out").click()
    page = visitor.open("/")
    expect(page.get_by_label("API key")).to_be_visible()


def test_an_image_is_deleted_by_the_form_of_the_session(visitor: Visitor) -> None:
    sign_in(visitor, "/?name=study_3")
    page = visitor.page
    page.locator(".gallery a").click()
    page.get_by_text("Delete…").click()
    page.locator("details.danger input[name=form_token]").evaluate("field => field.value = 'x'")
    visitor.expect(403)
    page.get_by_role("button", name="Delete the file").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sent by a page of another site")
    page.go_back()
    page.reload()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete the file").click()
    page.wait_for_url("**/")
    expect(page.locator(".gallery")).not_to_contain_text("study_3.jpg")
