"""The lab in a browser: a pipeline is built, changed, previewed, shared and handed on."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.samples import photograph
from tests.web.browser import TIMES, Visitor, drop
from tests.web.conftest import BIG, Site

RENDERED = "document.querySelector('image-view').dataset.rendered"
MEAN = """() => {
    const image = document.querySelector('image-view .after');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [16, 16];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, 16, 16);
    const pixels = [...context.getImageData(0, 0, 16, 16).data];
    return [0, 1, 2].map(at => pixels.filter((_, i) => i % 4 === at).reduce((a, b) => a + b) / 256);
}"""


def written(page: Page) -> dict[str, Any]:
    """The pipeline that the address holds."""
    address: str = page.evaluate("location.href")
    found: dict[str, Any] = json.loads(unquote(urlsplit(address).fragment))
    return found


def ops(page: Page) -> list[str]:
    return [step["op"] for step in written(page)["steps"]]


def settled(page: Page) -> None:
    """Wait until the picture is that of the pipeline in the address."""
    page.wait_for_function(f"() => {RENDERED} === decodeURIComponent(location.hash.slice(1))")


def colour(page: Page) -> list[float]:
    """The mean red, green and blue of the picture, once it is the present one."""
    settled(page)
    found: list[float] = page.evaluate(MEAN)
    return found


def add(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("searchbox", name="Operations").fill(name)
        page.keyboard.press("Enter")
    page.get_by_role("searchbox", name="Operations").fill("")


def step(page: Page, name: str) -> Locator:
    return page.locator("li.step").filter(has_text=re.compile(rf"\d\. {name}"))


@pytest.fixture
def lab(visitor: Visitor, site: Site) -> Page:
    page = visitor.open(f"/lab?image={site.id('study_1.jpg')}")
    settled(page)
    return page


def test_four_steps_are_added_moved_switched_off_and_removed(lab: Page) -> None:
    add(lab, "brightness", "blur", "grayscale", "rotate")
    assert ops(lab) == ["brightness", "blur", "grayscale", "rotate"]
    assert len({round(value) for value in colour(lab)}) == 1
    step(lab, "grayscale").get_by_role("button", name="grayscale is on").click()
    assert len({round(value) for value in colour(lab)}) > 1
    step(lab, "rotate").locator(".step-head").drag_to(step(lab, "brightness"))
    assert ops(lab) == ["rotate", "brightness", "blur", "grayscale"]
    step(lab, "blur").get_by_role("button", name="Remove blur").click()
    assert written(lab)["steps"][2] == {"op": "grayscale", "off": True}
    settled(lab)
    expect(lab.locator("image-view .after")).to_have_js_property("naturalWidth", 240)


def test_the_keyboard_alone_builds_and_reorders_a_pipeline(lab: Page) -> None:
    lab.get_by_role("searchbox", name="Operations").focus()
    lab.keyboard.type("invert")
    lab.keyboard.press("Enter")
    lab.keyboard.press("ControlOrMeta+A")
    lab.keyboard.type("sepia")
    lab.keyboard.press("Enter")
    step(lab, "sepia").get_by_role("button", name="2. sepia").focus()
    lab.keyboard.press("Alt+ArrowUp")
    assert ops(lab) == ["sepia", "invert"]
    expect(step(lab, "sepia").locator(".name")).to_be_focused()
    expect(lab.locator("#spoken")).to_have_text("sepia is step 1 of 2")
    lab.keyboard.press("Delete")
    assert ops(lab) == ["invert"]


def test_the_picture_follows_a_slider_and_the_newest_wins(lab: Page) -> None:
    add(lab, "brightness")
    lab.get_by_role("slider", name="amount slider").focus()
    dark = sum(colour(lab))
    for _ in range(30):
        lab.keyboard.press("ArrowRight")
    assert written(lab)["steps"][0]["amount"] == 50
    assert sum(colour(lab)) > dark


def test_a_slider_that_is_drawn_fast_asks_for_few_pictures(lab: Page) -> None:
    add(lab, "brightness")
    settled(lab)
    asked: list[str] = []
    lab.on("request", lambda request: asked.append(request.url))
    lab.get_by_role("slider", name="amount slider").evaluate(
        """async slider => {
            for (let value = 1; value <= 40; value += 1) {
                slider.value = value;
                slider.dispatchEvent(new Event('input'));
                await new Promise(resolve => setTimeout(resolve));
            }
        }"""
    )
    settled(lab)
    assert written(lab)["steps"][0]["amount"] == 40
    assert 1 <= sum("/v1/process" in url or "/content" in url for url in asked) < 20


def test_undo_and_redo_take_a_slider_that_was_drawn_as_one_change(lab: Page) -> None:
    add(lab, "gamma")
    start = written(lab)
    lab.get_by_role("slider", name="gamma slider").focus()
    for _ in range(5):
        lab.keyboard.press("ArrowRight")
    changed = written(lab)
    assert changed != start
    lab.get_by_role("button", name="Undo").click()
    assert written(lab) == start
    lab.keyboard.press("ControlOrMeta+Z")
    assert ops(lab) == []
    lab.keyboard.press("ControlOrMeta+Shift+Z")
    lab.get_by_role("button", name="Redo").click()
    assert written(lab) == changed


def test_a_link_shares_image_and_pipeline(lab: Page, visitor: Visitor) -> None:
    add(lab, "tint")
    lab.get_by_label("color", exact=True).fill("navy")
    lab.keyboard.press("Tab")
    wanted = colour(lab)
    other = visitor.another()
    other.goto(lab.url)
    assert colour(other) == pytest.approx(wanted, abs=1)
    assert written(other)["steps"] == [{"op": "tint", "color": "navy"}]


def test_operations_in_the_query_are_read_as_text(visitor: Visitor, site: Site) -> None:
    page = visitor.open(
        f"/lab?image={site.id('study_1.jpg')}&operations=rotate=90&operations=blur=9"
    )
    settled(page)
    assert written(page)["steps"] == [
        {"op": "rotate", "degrees": 90.0},
        {"op": "blur", "kernel_size": 9},
    ]


@pytest.mark.parametrize("text", ["%", "%7Bbroken", "[]", "%7B%22steps%22%3A1%7D"])
def test_an_address_that_cannot_be_read_says_so(visitor: Visitor, text: str) -> None:
    page = visitor.open(f"/lab#{text}")
    expect(page.get_by_role("alert")).to_contain_text("its pipeline cannot be read")
    expect(page.get_by_role("heading", name="Put an image on the table")).to_be_visible()


def test_an_operation_that_attacks_is_text_and_can_be_removed(visitor: Visitor) -> None:
    steps = json.dumps({"steps": [{"op": "<img src=x onerror=alert(1)>"}]})
    page = visitor.open(f"/lab#{steps}")
    page.get_by_role("button", name="1. <img src=x onerror=alert(1)>").click()
    expect(page.locator(".step")).to_contain_text("There is no operation <img")
    page.get_by_role("button", name="Remove <img").click()
    expect(page.locator(".step")).to_have_count(0)


def test_what_is_wrong_with_a_step_is_told_in_the_step(lab: Page, visitor: Visitor) -> None:
    visitor.expect(422)
    add(lab, "grayscale", "crop")
    body = step(lab, "crop")
    body.get_by_label("x px", exact=True).fill("5000")
    expect(body.get_by_role("alert")).to_contain_text("5000")
    body.get_by_label("x px", exact=True).fill("50")
    expect(body.get_by_role("alert")).to_have_count(0)


def test_the_parts_of_a_split_are_a_grid(lab: Page) -> None:
    add(lab, "split")
    step(lab, "split").locator("input[type=number]").nth(1).fill("2")
    expect(lab.locator("image-view .results img")).to_have_count(4)
    expect(lab.locator("image-view .results img").first).to_have_js_property("naturalWidth", 160)


def test_a_box_is_drawn_on_the_picture_in_pixels_of_the_image(visitor: Visitor, site: Site) -> None:
    page = visitor.open(f"/lab?image={site.id('big.jpg')}")
    settled(page)
    add(page, "crop")
    page.get_by_role("button", name="Draw the box").click()
    expect(page.locator(".prompt")).to_be_visible()
    area = page.evaluate("document.querySelector('image-view').picture()")
    left, top = area["left"], area["top"]
    page.mouse.move(left + area["width"] / 4, top + area["height"] / 4)
    page.mouse.down()
    page.mouse.move(left + area["width"] / 2, top + area["height"] * 3 / 4, steps=3)
    page.mouse.up()
    page.wait_for_function("() => decodeURIComponent(location.hash).includes('northwest')")
    (crop,) = written(page)["steps"]
    wanted = (BIG[0] / 4, BIG[1] / 4, BIG[0] / 4, BIG[1] / 2)
    found = [crop[name] for name in ("x", "y", "width", "height")]
    assert found == pytest.approx(wanted, abs=4)


def test_fit_is_a_preview_and_one_to_one_the_real_result(visitor: Visitor, site: Site) -> None:
    page = visitor.open(
        f"/lab?image={site.id('big.jpg')}#" + json.dumps({"steps": [{"op": "flip"}]})
    )
    settled(page)
    image = page.locator("image-view .after")
    expect(image).to_have_js_property("naturalWidth", 1280)
    page.get_by_role("button", name="1:1").click()
    expect(image).to_have_js_property("naturalWidth", BIG[0])
    width = "document.querySelector('image-view .after').getBoundingClientRect().width"
    page.wait_for_function(f"() => {width} === {BIG[0]}")


def test_a_line_divides_before_and_after_and_moves_by_keys(lab: Page) -> None:
    add(lab, "invert")
    lab.get_by_role("button", name="Before/after").click()
    line = lab.get_by_role("slider", name="Line between before and after")
    line.focus()
    lab.keyboard.press("Home")
    assert (
        lab.evaluate("getComputedStyle(document.querySelector('.after')).clipPath")
        == "inset(0px 0px 0px 0%)"
    )
    lab.keyboard.press("End")
    expect(lab.locator("image-view .before")).to_be_visible()
    assert "100%" in lab.evaluate("getComputedStyle(document.querySelector('.after')).clipPath")


def test_the_plan_and_the_sizes_are_those_of_the_whole_image(visitor: Visitor, site: Site) -> None:
    page = visitor.open(f"/lab?image={site.id('big.jpg')}&operations=resize=0.5")
    settled(page)
    page.get_by_text("Plan", exact=True).click()
    expect(page.locator(".planned")).to_contain_text(f"800{TIMES}600")
    expect(page.locator(".readings")).to_contain_text(f"800 {TIMES} 600 px")


def test_a_dropped_file_is_worked_on_and_not_stored(
    visitor: Visitor, site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "mine.png"
    cv2.imwrite(str(file), photograph(100, 80, seed=4))
    page = visitor.open("/lab")
    expect(page.get_by_role("heading", name="Put an image on the table")).to_be_visible()
    before = site.client.get("/v1/images").json()["total"]
    drop(page, "image-view", [file])
    expect(page.locator(".readings")).to_contain_text(f"100 {TIMES} 80 px")
    add(page, "thumbnail")
    page.locator("#plan summary").click()
    expect(page.locator(".planned")).to_contain_text("write png")
    assert site.client.get("/v1/images").json()["total"] == before


def test_an_image_is_chosen_in_the_library(visitor: Visitor) -> None:
    page = visitor.open("/lab")
    page.locator("#choose").click()
    page.get_by_role("searchbox", name="Name").fill("clear")
    page.get_by_role("button", name="clear.png").click()
    expect(page.locator(".readings")).to_contain_text(f"200 {TIMES} 150 px")
    assert "image=" in page.url


def test_a_recipe_is_saved_and_what_cannot_be_is_told(
    lab: Page, visitor: Visitor, site: Site
) -> None:
    add(lab, "sepia")
    lab.get_by_role("button", name="Save as recipe").click()
    lab.get_by_label("Name", exact=True).fill("old photograph")
    lab.get_by_role("button", name="Save", exact=True).click()
    expect(lab.get_by_role("dialog")).to_contain_text("is version 1")
    recipe = site.client.get("/v1/recipes/old photograph").json()
    assert recipe["operations"] == [{"op": "sepia"}]
    expect(lab.get_by_role("button", name="Save", exact=True)).to_be_hidden()
    link = lab.get_by_role("dialog").get_by_role("link", name="old photograph")
    assert link.get_attribute("href") == "/recipes/old%20photograph"
    visitor.expect(422)
    lab.get_by_label("Name", exact=True).fill("old@2")
    lab.get_by_role("button", name="Save", exact=True).click()
    expect(lab.get_by_role("dialog").get_by_role("alert")).to_be_visible()


def test_the_result_is_downloaded_in_full(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    page = visitor.open(f"/lab?image={site.id('big.jpg')}&operations=grayscale")
    settled(page)
    page.get_by_label("Format").select_option("png")
    with page.expect_download() as found:
        page.get_by_role("button", name="Download").click()
    assert found.value.suggested_filename == "big_lab.png"
    found.value.save_as(tmp_path / "big.png")
    image = cv2.imread(str(tmp_path / "big.png"), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape == (BIG[1], BIG[0])


def test_the_pipeline_goes_on_as_a_command_as_json_as_python_and_to_a_batch(
    lab: Page, site: Site
) -> None:
    add(lab, "sepia")
    handed = parse_qs(urlsplit(lab.locator("#batch").get_attribute("href") or "").query)
    assert json.loads(handed["operations"][0]) == [{"op": "sepia"}]
    lab.get_by_role("button", name="Copy as…").click()
    code = lab.get_by_label("The pipeline as text")
    address = re.search(r"'(http[^']+)'", code.input_value())
    assert address is not None
    assert site.client.get(address[1]).headers["content-type"] == "image/jpeg"
    lab.get_by_role("button", name="JSON").click()
    assert json.loads(code.input_value())["operations"] == [{"op": "sepia"}]
    lab.get_by_role("button", name="Python").click()
    compile(code.input_value(), "shown", "exec")


def test_the_batch_it_shows_can_be_sent_as_it_stands(lab: Page, site: Site) -> None:
    add(lab, "sepia")
    lab.get_by_role("button", name="Copy as…").click()
    code = lab.get_by_label("The pipeline as text")
    lab.get_by_role("button", name="Python").click()
    expect(code).to_have_value(re.compile('open\\("library/study_1.jpg", "rb"\\)'))
    lab.get_by_role("button", name="JSON").click()
    shown = json.loads(code.input_value())
    assert shown["images"][0]["input"] == "library/study_1.jpg"
    answer = site.client.post("/v1/batches", json=shown).json()
    assert answer["counts"]["succeeded"] == 1, answer


def test_without_steps_the_size_is_that_of_the_image(lab: Page) -> None:
    expect(lab.locator(".readings")).to_contain_text(f"full size 320 {TIMES} 240 px")


def test_on_a_phone_the_picture_is_in_sight_after_a_step_was_added(
    visitor: Visitor, site: Site
) -> None:
    page = visitor.open(f"/lab?image={site.id('study_1.jpg')}")
    settled(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="sepia").click()
    expect(page.locator("image-view")).to_be_in_viewport(ratio=0.9)


def test_without_scripts_the_lab_leads_to_the_plain_form(plain_visitor: Visitor) -> None:
    page = plain_visitor.open("/lab")
    expect(page.get_by_role("heading", name="The lab needs JavaScript")).to_be_visible()
