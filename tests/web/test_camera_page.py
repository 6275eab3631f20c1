"""The camera's page, as a visitor uses it: watch, set, take pictures, record."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from processors.operation import Image
from tests.live import LiveServer, until
from tests.samples import photograph
from tests.service.cameras import HttpCamera
from tests.web.browser import TIMES, Visitor, serious_faults, sticks_out, visiting
from tests.web.test_every_page import SCHEMES, WIDTHS

INK = {"operations": ["grayscale", "canny=80,160"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("camera")


@pytest.fixture(scope="module")
def server(browser: Browser, folder: Path) -> Iterator[LiveServer]:
    settings = {"library": folder / "library", "store": f"sqlite:///{folder}/store.db"}
    with LiveServer(folder, camera="test", workers=1, **settings) as server:
        with server.ready().client() as client:
            client.put("/v1/recipes/ink", json=INK).raise_for_status()
        yield server


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx2.Client]:
    """Finds the camera as it was at first, with nothing taken."""
    with server.client() as client:
        yield client
        names = {one["name"]: None for one in client.get("/v1/camera").json()["settings"]}
        client.patch("/v1/camera/settings", json=names).raise_for_status()
        for picture in client.get("/v1/camera/pictures?limit=100").json()["pictures"]:
            client.delete(picture["url"]).raise_for_status()


@pytest.fixture
def visitor(browser: Browser, server: LiveServer, client: httpx2.Client) -> Iterator[Visitor]:
    with visiting(browser, server.url) as found:
        yield found


@pytest.fixture
def plain_visitor(browser: Browser, server: LiveServer, client: httpx2.Client) -> Iterator[Visitor]:
    """Somebody without JavaScript."""
    with visiting(browser, server.url, java_script_enabled=False) as found:
        yield found


def live(page: Page) -> Image:
    """The live picture as the window shows it now."""
    png = page.locator("live-stream img").screenshot()
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image  # type: ignore[return-value]


def watch(page: Page, condition: Callable[[Image], bool]) -> None:
    """Wait for a picture like that."""
    last = time.monotonic() + 10
    while not condition(live(page)):
        assert time.monotonic() < last, "no such picture came"


def coloured(image: Image) -> bool:
    """The bars of the pattern are, and an edge picture is not."""
    return float(np.ptp(image.astype(int), axis=2).max()) > 150


def opened(visitor: Visitor) -> Page:
    """The page, with the pattern on it."""
    page = visitor.open("/camera")
    watch(page, coloured)
    return page


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=f"{name} slider")


def pictures(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "pictures").glob("picture_*.jpg"))


# --- settings ----------------------------------------------------------------------------------


def test_a_slider_changes_the_picture_and_reset_brings_it_back(visitor: Visitor) -> None:
    page = opened(visitor)
    usual = float(live(page).mean())
    row = page.locator("[data-name=brightness]")
    expect(row.locator(".by")).to_have_text("in software")
    slider(page, "brightness").press("Home")
    watch(page, lambda image: float(image.mean()) < 0.75 * usual)
    expect(row.get_by_role("spinbutton")).to_have_value("0")
    row.get_by_role("button", name="Reset brightness").click()
    watch(page, lambda image: abs(float(image.mean()) - usual) < 0.1 * usual)
    expect(slider(page, "brightness")).to_have_value("50")


def test_a_change_elsewhere_moves_the_slider(visitor: Visitor, client: httpx2.Client) -> None:
    page = opened(visitor)
    client.patch("/v1/camera/settings", json={"contrast": 80, "width": 320}).raise_for_status()
    expect(slider(page, "contrast")).to_have_value("80")
    expect(page.locator("[data-name=width] .by")).to_have_text("by the camera")
    expect(page.locator(".readings")).to_contain_text(f"320 {TIMES} 240")
    page.get_by_role("button", name="Reset all").click()
    expect(slider(page, "contrast")).to_have_value("50")
    expect(slider(page, "width")).to_have_value("640")


# --- effects -----------------------------------------------------------------------------------


def test_a_recipe_is_an_effect_and_pictures_have_it(visitor: Visitor, folder: Path) -> None:
    page = opened(visitor)
    page.get_by_label("or a recipe").select_option("ink")
    watch(page, lambda image: not coloured(image))
    assert page.url.endswith("/camera?recipe=ink")
    page.get_by_role("button", name="Take a picture").click()
    expect(page.locator(".shots li")).to_have_count(1)
    taken = cv2.imread(str(folder / "pictures" / pictures(folder)[0]))
    assert taken is not None
    assert not coloured(taken)  # type: ignore[arg-type]
    page.get_by_role("link", name="Remove").click()
    watch(page, coloured)


def test_a_wrong_operation_is_told_with_its_line_and_the_picture_stays(visitor: Visitor) -> None:
    visitor.expect(422)
    page = opened(visitor)
    field = page.get_by_label("Operations")
    field.fill("grayscale\n\ncany=80,160")
    page.get_by_role("button", name="Apply").click()
    problem = page.locator("#look-trouble").get_by_role("alert")
    expect(problem).to_have_text(
        "Invalid request Line 2: there is no operation 'cany'; did you mean 'canny'?"
    )
    watch(page, coloured)
    assert page.url.endswith("/camera")
    field.fill("grayscale")
    field.press("Control+Enter")
    expect(problem).to_have_count(0)
    watch(page, lambda image: not coloured(image))


def test_the_stream_is_as_wide_as_wanted(visitor: Visitor) -> None:
    page = visitor.open("/camera?operations=grayscale&operations=invert&width=320")
    expect(page.locator("live-stream img")).to_have_js_property("naturalWidth", 320)
    expect(page.get_by_label("Operations")).to_have_value("grayscale\ninvert")
    page.keyboard.press("r")
    expect(page.locator(".shots img")).to_have_attribute("width", "640")
    page.get_by_label("Width px").first.fill("160")
    expect(page.locator("live-stream img")).to_have_js_property("naturalWidth", 160)


# --- pictures ----------------------------------------------------------------------------------


def test_a_key_takes_a_picture_but_not_while_somebody_types(visitor: Visitor, folder: Path) -> None:
    page = opened(visitor)
    page.get_by_label("Operations").press("r")
    expect(page.get_by_label("Operations")).to_have_value("r")
    slider(page, "hue").press("r")
    expect(page.locator(".shots li")).to_have_count(1)
    expect(page.locator("#spoken")).to_contain_text("was taken")
    assert len(pictures(folder)) == 1


def test_a_picture_is_opened_downloaded_and_deleted(visitor: Visitor, folder: Path) -> None:
    page = opened(visitor)
    for count in (1, 2):
        page.get_by_role("button", name="Take a picture").click()
        expect(page.locator(".shots li")).to_have_count(count)
    older, newer = pictures(folder)
    page.locator(".shots a").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img")).to_have_js_property("naturalWidth", 640)
    expect(dialog).to_contain_text(newer)
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text(older)
    with page.expect_download() as found:
        dialog.get_by_role("link", name="Download").click()
    assert found.value.suggested_filename == older
    dialog.get_by_text("Delete…").click()
    dialog.get_by_role("button", name="Delete the file for good").click()
    expect(page.locator(".shots .name")).to_have_text([newer])
    expect(dialog).to_be_hidden()
    expect(page.locator(".shots a")).to_be_focused()
    assert pictures(folder) == [newer]


def test_a_picture_goes_to_the_lab(visitor: Visitor) -> None:
    page = opened(visitor)
    page.keyboard.press("r")
    page.locator(".shots a").first.click()
    page.get_by_role("button", name="Open in the lab").click()
    page.wait_for_url("**/lab?image=*")
    page.wait_for_selector("image-view .after[src]")


def test_the_gallery_has_pages(visitor: Visitor, folder: Path) -> None:
    small = cv2.imencode(".jpg", photograph(64, 48))[1].tobytes()
    for number in range(1, 27):
        (folder / "pictures").mkdir(exist_ok=True)
        (folder / "pictures" / f"picture_{number:04}.jpg").write_bytes(small)
    page = opened(visitor)
    expect(page.locator(".shots .name").first).to_have_text("picture_0026.jpg")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".shots .name")).to_have_text(["picture_0002.jpg", "picture_0001.jpg"])
    page.get_by_role("link", name="Newest").click()
    expect(page.locator(".shots li")).to_have_count(24)


# --- recordings --------------------------------------------------------------------------------


def test_a_recording_is_started_stopped_downloaded_and_deleted(
    visitor: Visitor, folder: Path
) -> None:
    page = opened(visitor)
    page.get_by_label("Longest recording in seconds").fill("90")
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".elapsed")).to_have_text("0:01 of 1:30")
    page.get_by_role("button", name="Stop").click()
    row = page.locator(".recordings li")
    expect(row.locator(".name")).to_have_text("recording_0001.mp4")
    with page.expect_download() as found:
        row.get_by_role("link", name="Download").click()
    assert found.value.suggested_filename == "recording_0001.mp4"
    row.get_by_text("Delete…").click()
    row.get_by_role("button", name="Delete for good").click()
    expect(row).to_have_count(0)
    assert not list((folder / "pictures").glob("*.mp4"))


def test_a_recording_that_ends_by_itself_appears(visitor: Visitor, client: httpx2.Client) -> None:
    page = opened(visitor)
    page.get_by_label("Longest recording in seconds").fill("1")
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".recordings li")).to_have_count(1)
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    for one in client.get("/v1/camera/recordings").json()["recordings"]:
        client.delete(one["url"]).raise_for_status()


# --- the stream and the camera -----------------------------------------------------------------


def test_the_stream_ends_with_the_page(visitor: Visitor, client: httpx2.Client) -> None:
    def viewers() -> int:
        return int(client.get("/v1/camera").json()["viewers"])

    opened(visitor)
    assert viewers() == 1
    visitor.open("/")
    until(lambda: viewers() == 0)
    visitor.page.go_back()
    watch(visitor.page, coloured)


def test_a_camera_that_is_away_is_told_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    with (
        HttpCamera() as camera,
        LiveServer(tmp_path, camera=camera.url, library="none", workers=1) as server,
        visiting(browser, server.url) as visitor,
    ):
        page = visitor.open("/camera")
        expect(page.locator(".readings")).to_contain_text(f"160 {TIMES} 120")
        camera.die()
        expect(page.locator(".away")).to_contain_text("No picture: ")
        camera.come_back()
        expect(page.locator(".away")).to_be_hidden()


# --- for everybody -----------------------------------------------------------------------------


def test_keys_alone_do_everything(visitor: Visitor) -> None:
    page = opened(visitor)
    page.get_by_role("button", name="Take a picture").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".shots li")).to_have_count(1)
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator(".shots a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".shots a")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="grayscale")).to_be_focused()
    page.keyboard.press("Enter")
    watch(page, lambda image: not coloured(image))
    slider(page, "saturation").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#set-saturation")).to_have_value("49")


@pytest.mark.parametrize("path", ["/camera", "/camera/pictures/{name}"])
def test_it_is_for_everybody(
    browser: Browser, server: LiveServer, client: httpx2.Client, path: str
) -> None:
    name = client.post("/v1/camera/pictures").json()["name"]
    with visiting(browser, server.url, reduced_motion="reduce") as visitor:
        page = visitor.open(path.format(name=name))
        page.wait_for_selector(".readings strong, .shot img")
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            assert sticks_out(page) <= 0, width
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert serious_faults(page) == [], scheme
        assert page.locator("h1").count() == 1


# --- without JavaScript ------------------------------------------------------------------------


def test_without_scripts_settings_are_a_form(plain_visitor: Visitor, client: httpx2.Client) -> None:
    page = opened(plain_visitor)
    usual = float(live(page).mean())
    page.locator("#set-brightness").fill("10")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#set-brightness")).to_have_value("10")
    watch(page, lambda image: float(image.mean()) < 0.8 * usual)
    changed = [
        one["name"]
        for one in client.get("/v1/camera").json()["settings"]
        if one["value"] != one["default"]
    ]
    assert changed == ["brightness"]
    page.get_by_role("button", name="Reset brightness").click()
    expect(page.locator("#set-brightness")).to_have_value("50")


def test_without_scripts_an_effect_is_shown_and_a_wrong_one_is_told(plain_visitor: Visitor) -> None:
    page = opened(plain_visitor)
    page.get_by_label("Operations").fill("grayscale\ncany")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 2: there is no operation 'cany'")
    page.get_by_label("Operations").fill("canny")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/camera?operations=canny&*")
    watch(page, lambda image: not coloured(image))


def test_without_scripts_pictures_are_taken_opened_and_deleted(
    plain_visitor: Visitor, folder: Path
) -> None:
    page = opened(plain_visitor)
    page.get_by_role("button", name="Take a picture").click()
    page.locator(".shots a").click()
    expect(page.locator("h1")).to_have_text(pictures(folder)[0])
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete the file for good").click()
    expect(page.locator(".nothing")).to_contain_text("Nothing taken yet")
    assert pictures(folder) == []


def test_without_scripts_a_recording_is_made(plain_visitor: Visitor, client: httpx2.Client) -> None:
    page = opened(plain_visitor)
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".elapsed")).to_contain_text("of 1:00")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".recordings li")).to_have_count(1)
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator(".recordings li")).to_have_count(0)
