"""The library in a browser: query, page, open, add, remove."""

import re
from pathlib import Path

import cv2
from playwright.sync_api import Page, expect

from tests.samples import photograph
from tests.web.browser import TIMES, Visitor, drop
from tests.web.conftest import ATTACK, Site


def names(page: Page) -> list[str]:
    return page.locator(".gallery .name").all_inner_texts()


def test_a_query_by_size_narrows_the_grid_and_stays_in_the_address(visitor: Visitor) -> None:
    page = visitor.open("/?name=study")
    page.get_by_label("Least width in pixels").fill("300")
    page.get_by_label("Greatest height in pixels").fill("240")
    page.get_by_label("Order").select_option("-width")
    page.get_by_role("button", name="Query").click()
    page.wait_for_url(re.compile("min_width=300"))
    assert names(page) == ["study_3.jpg", "study_1.jpg"]
    expect(page.locator(".summary p")).to_have_text("2 images that match")
    page.reload()
    expect(page.get_by_label("Least width in pixels")).to_have_value("300")


def test_paging_keeps_the_query(visitor: Visitor) -> None:
    page = visitor.open("/?name=study&limit=3&sort=-path")
    assert names(page) == ["study_3.jpg", "study_2.jpg", "study_1.jpg"]
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".gallery .name")).to_have_text(["study_0.jpg"])
    expect(page.locator("input[name=name]")).to_have_value("study")
    page.get_by_role("link", name="First page").click()
    expect(page.locator(".gallery .name")).to_have_count(3)


def test_a_query_that_is_wrong_says_so_beside_its_field(visitor: Visitor) -> None:
    page = visitor.open("/?min_width=many&name=study")
    field = page.get_by_label("Least width in pixels")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#fault-min_width")).to_contain_text("min width: Input should be a valid")


def test_a_cursor_of_another_query_is_told_in_the_words_of_the_problem(visitor: Visitor) -> None:
    page = visitor.open("/?cursor=made-up")
    expect(page.get_by_role("alert")).to_contain_text("A cursor of another query")


def test_a_query_without_matches_says_what_to_do(visitor: Visitor) -> None:
    page = visitor.open("/?name=nothing-has-this-name")
    expect(page.get_by_role("heading", name="No image matches")).to_be_visible()
    page.get_by_role("link", name="show all images").click()
    expect(page.locator(".gallery li").first).to_be_visible()


def test_a_name_that_attacks_is_text(visitor: Visitor) -> None:
    page = visitor.open("/?name=onerror")
    assert names(page) == [ATTACK]
    page.locator(".gallery a").click()
    expect(page.locator("h1")).to_have_text(ATTACK)
    page.get_by_role("link", name="Open in the lab").click()
    expect(page.locator(".readings")).to_contain_text(f"90 {TIMES} 60 px")


def test_thumbnails_are_small_webp_and_come_when_they_are_seen(visitor: Visitor) -> None:
    with visitor.page.expect_response(re.compile("thumbnail.*webp")) as found:
        page = visitor.open("/?name=big")
    assert found.value.headers["content-type"] == "image/webp"
    assert page.locator(".gallery img").first.get_attribute("loading") == "lazy"
    assert page.evaluate("img => img.decode().then(() => img.naturalHeight)", _image(page)) <= 360


def _image(page: Page) -> object:
    return page.locator(".gallery img").first.element_handle()


def test_an_image_opens_with_its_facts_its_histogram_and_what_looks_alike(
    visitor: Visitor, site: Site
) -> None:
    page = visitor.open("/?name=study_1")
    page.locator(".gallery a").click()
    expect(page.locator("dl.facts").first).to_contain_text(f"320 {TIMES} 240 px")
    assert page.locator(".histogram path").count() == 3
    alike = page.get_by_role("region", name="Images that look alike")
    expect(alike).to_contain_text("twin.jpg")


def test_an_image_that_is_not_there_is_a_page_that_says_so(visitor: Visitor) -> None:
    visitor.expect(404)
    page = visitor.open("/images/0123456789abcdef")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing of that name")


def test_a_chosen_image_is_added_and_deleted(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "fresh.png"
    cv2.imwrite(str(file), photograph(64, 48, seed=5))
    page = visitor.open("/")
    page.locator("upload-drop input[type=file]").set_input_files(file)
    page.wait_for_url("**/?sort=-modified")
    page.locator(".gallery a").first.click()
    expect(page.locator("h1")).to_have_text("fresh.png")
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete the file").click()
    page.wait_for_url("**/")
    assert "fresh.png" not in names(page)


def test_dropped_files_show_their_progress_and_what_is_refused(
    visitor: Visitor, site: Site, tmp_path: Path
) -> None:
    good, bad = tmp_path / "dropped.jpg", tmp_path / "no_image.txt"
    cv2.imwrite(str(good), photograph(64, 48, seed=6))
    bad.write_text("not an image")
    page = visitor.open("/")
    visitor.expect(415)
    drop(page, "body", [good, bad])
    rows = page.locator(".upload-row")
    expect(rows.nth(0)).to_contain_text("added")
    expect(rows.nth(1).get_by_role("alert")).to_contain_text("Not an image format that is read")
    site.client.delete(f"/v1/images/{site.id('dropped.jpg')}").raise_for_status()


def test_the_keyboard_alone_opens_an_image(visitor: Visitor) -> None:
    page = visitor.open("/?name=study_0")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.gallery') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("study_0.jpg")


# --- without JavaScript ------------------------------------------------------------------------


def test_without_scripts_a_filter_shows_its_result_and_leaves_no_file(
    plain_visitor: Visitor, site: Site
) -> None:
    before = sorted(site.folder.rglob("*.*"))
    page = plain_visitor.open("/?name=study_2")
    page.locator(".gallery a").click()
    page.get_by_label("Filter").select_option("square_crop")
    page.get_by_label("Value").fill("100")
    with page.expect_response(re.compile("operations=square_crop")) as found:
        page.get_by_role("button", name="Apply").click()
    assert found.value.headers["darkroom-width"] == "100"
    image = page.locator(".stage img")
    expect(image).to_have_js_property("naturalWidth", 100)
    files = [file for file in sorted(site.folder.rglob("*.*")) if "store.db" not in file.name]
    assert files == [file for file in before if "store.db" not in file.name]


def test_without_scripts_a_wrong_value_is_told_beside_the_form(
    plain_visitor: Visitor, site: Site
) -> None:
    page = plain_visitor.open(f"/images/{site.id('study_2.jpg')}?filter=rotate&value=much")
    expect(page.locator("form.process").get_by_role("alert")).to_contain_text("degrees")


def test_without_scripts_an_image_is_added_and_deleted(
    plain_visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "plain.png"
    cv2.imwrite(str(file), photograph(64, 48, seed=7))
    page = plain_visitor.open("/")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("h1")).to_have_text("plain.png")
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete the file").click()
    expect(page.locator(".gallery")).not_to_contain_text("plain.png")


def test_without_scripts_the_folder_is_scanned(plain_visitor: Visitor, site: Site) -> None:
    file = site.folder / "library" / "copied.png"
    cv2.imwrite(str(file), photograph(64, 48, seed=8))
    page = plain_visitor.open("/")
    page.get_by_role("button", name="Scan the folder").click()
    expect(page.locator(".gallery")).to_contain_text("copied.png")
    site.client.delete(f"/v1/images/{site.id('copied.png')}").raise_for_status()
