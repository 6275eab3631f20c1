"""Collections in a browser: create, fill with a folder, browse, export, remove."""

import re
import zipfile
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.samples import photograph
from tests.web.browser import TIMES, Visitor, sticks_out
from tests.web.conftest import Site
from tests.web.test_every_page import is_for_everybody

ATTACKS = (
    "<img src=x onerror=alert(1)>.png",
    "abc\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "\N{FILM FRAMES} ?#%25&+.png",
    "n" * 200 + ".png",
)
SENT = re.compile(r"/v1/collections/.*/images$")


def picture(seed: int = 0) -> bytes:
    return cv2.imencode(".png", photograph(32, 24, seed=seed))[1].tobytes()


def put(site: Site, collection: str, *names: str) -> None:
    """Send images with these names."""
    files = [("files", (name, picture(at))) for at, name in enumerate(names)]
    path = f"/v1/collections/{quote(collection, safe='')}/images"
    site.client.post(path, files=files).raise_for_status()


def folder_of(root: Path, count: int) -> Path:
    """A folder as people have them: images, one in a folder below, a text, a hidden file."""
    folder = root / "streets"
    (folder / "night").mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(picture(number))
    (folder / "night" / "000.png").write_bytes(picture(99))
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden").write_text("no image")
    return folder


def open_form(page: Page) -> None:
    """It is open where there are no collections yet."""
    closed = page.locator(".creating:not([open]) summary")
    if closed.count():
        closed.click()


def tiles(page: Page) -> Locator:
    return page.locator(".tiles img")


def names(page: Page) -> list[str]:
    return [str(name) for name in tiles(page).evaluate_all("all => all.map(one => one.alt)")]


@pytest.fixture(scope="module")
def filled(site: Site) -> str:
    """The address of a collection whose images have all kinds of names."""
    put(site, "attacked", *ATTACKS)
    return "/collections/attacked"


def test_a_collection_is_created_with_a_pipeline_of_its_own(visitor: Visitor, site: Site) -> None:
    page = visitor.open("/collections")
    open_form(page)
    page.get_by_label("Name").fill("badges")
    page.get_by_label("Operations").fill("resize=64x64,fit=cover\ninvert")
    page.get_by_label("Kept as").select_option("webp")
    page.get_by_label("Quality").fill("70")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="No images yet")).to_be_visible()
    found = {one["name"]: one["pipeline"] for one in site.client.get("/v1/collections").json()}
    assert found["badges"]["operations"] == ["resize=64x64,fit=cover", "invert"]
    assert [*found["badges"]["encode"]] == ["format", "quality"]
    page = visitor.open("/collections")
    card = page.locator(".card").filter(has_text="badges")
    expect(card).to_contain_text("0 images")
    expect(card.locator(".steps")).to_contain_text("webp, quality 70")


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("Operations", "resize=80x90\nresise=2", "did you mean 'resize'"),
        ("Operations", "split=2x2", "a collection keeps one"),
        ("Operations", "[{", "not JSON"),
        ("Name", "n" * 200, "100 bytes of UTF-8"),
    ],
)
def test_what_cannot_be_created_is_told_and_stays_typed(
    visitor: Visitor, field: str, text: str, told: str
) -> None:
    visitor.expect(422)
    page = visitor.open("/collections")
    open_form(page)
    page.get_by_label("Name").fill("wrong")
    page.get_by_label(field).fill(text)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.get_by_label(field)).to_have_value(text)


def test_a_folder_goes_in_by_several_requests_and_each_file_is_accounted_for(
    visitor: Visitor, site: Site, tmp_path: Path
) -> None:
    site.client.put("/v1/collections/folder", json={}).raise_for_status()
    folder = folder_of(tmp_path, 70)
    with (folder / "huge.jpg").open("wb") as huge:
        huge.truncate(33 << 20)
    sent: list[str] = []
    page = visitor.open("/collections/folder")
    page.on("request", lambda request: SENT.search(request.url) and sent.append(request.url))
    page.locator("input[name=folder]").set_input_files(folder)
    expect(page.locator("#total")).to_have_text("71 images")
    report = page.get_by_role("region", name="What became of the files")
    expect(report).to_contain_text("72 of 72: 71 inserted · 0 were there · 1 failed")
    expect(report).to_contain_text("1 hidden file left out · 1 file that is no image left out")
    expect(report.locator("li").filter(has_text="huge.jpg")).to_contain_text("larger than")
    assert len(sent) == 2
    assert "night_000.png" in names(page)
    page.locator("input[name=folder]").set_input_files(folder)
    expect(report).to_contain_text("0 inserted · 71 were there · 1 failed")


def test_a_dropped_folder_is_read_to_its_ends(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    site.client.put("/v1/collections/dropped", json={}).raise_for_status()
    folder = folder_of(tmp_path, 3)
    page = visitor.open("/collections/dropped")
    hand = page.context.new_cdp_session(page)
    held = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": held})
    expect(page.locator("#total")).to_have_text("4 images")
    assert names(page) == ["000.png", "001.png", "002.png", "night_000.png"]


def test_an_upload_is_stopped_and_what_was_not_sent_is_sent_then(
    visitor: Visitor, site: Site, tmp_path: Path
) -> None:
    site.client.put("/v1/collections/lost", json={}).raise_for_status()
    page = visitor.open("/collections/lost")
    page.route(SENT, lambda _: None, times=1)  # on its way for as long as that takes
    page.locator("input[name=folder]").set_input_files(folder_of(tmp_path, 2))
    report = page.get_by_role("region", name="What became of the files")
    report.get_by_role("button", name="Stop").click()
    expect(report.get_by_role("alert")).to_contain_text("what was not sent can be sent now")
    report.get_by_role("button", name="Send the rest").click()
    expect(page.locator("#total")).to_have_text("3 images")
    expect(report.get_by_role("alert")).to_have_count(0)


def test_the_grid_is_paged_by_the_address(visitor: Visitor, site: Site) -> None:
    put(site, "paged", *(f"{number}.png" for number in range(5)))
    page = visitor.open("/collections/paged?limit=3")
    assert names(page) == ["0.png", "1.png", "2.png"]
    page.get_by_role("link", name="Next page").click()
    expect(tiles(page)).to_have_count(2)
    page.reload()
    assert names(page) == ["3.png", "4.png"]
    page.get_by_role("link", name="First page").click()
    expect(tiles(page)).to_have_count(3)


def test_an_image_opens_large_with_its_facts_and_is_deleted(visitor: Visitor, site: Site) -> None:
    put(site, "looked", "a.png", "b.png")
    page = visitor.open("/collections/looked")
    tiles(page).first.click()
    expect(page.locator("dl.facts")).to_contain_text(f"80 {TIMES} 90 px")
    expect(page.locator(".enlarged")).to_have_js_property("naturalWidth", 80)
    assert page.locator(".enlarged").evaluate("image => image.clientWidth") > 400
    page.get_by_role("link", name="Next image").click()
    expect(page.locator("h1")).to_have_text("b.png")
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete the image").click()
    page.wait_for_url("**/collections/looked")
    assert names(page) == ["a.png"]


def test_all_images_are_exported_as_files_and_as_arrays(
    visitor: Visitor, filled: str, tmp_path: Path
) -> None:
    page = visitor.open(filled)
    with page.expect_download() as files:
        page.get_by_role("link", name="Export ZIP").click()
    files.value.save_as(tmp_path / "all.zip")
    assert sorted(zipfile.ZipFile(tmp_path / "all.zip").namelist()) == sorted(ATTACKS)
    with page.expect_download() as arrays:
        page.get_by_role("link", name="Export npz").click()
    arrays.value.save_as(tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as data:
        assert data["images"].shape == (len(ATTACKS), 90, 80)


def test_images_of_several_sizes_are_no_arrays_which_a_page_tells(
    visitor: Visitor, site: Site
) -> None:
    site.client.put("/v1/collections/mixed", json={"operations": ["trim"]}).raise_for_status()
    put(site, "mixed", "small.png")
    files = {"files": ("large.png", cv2.imencode(".png", photograph(64, 48))[1].tobytes())}
    site.client.post("/v1/collections/mixed/images", files=files).raise_for_status()
    visitor.expect(422)
    page = visitor.open("/collections/mixed")
    page.get_by_role("link", name="Export npz").click()
    expect(page.get_by_role("alert")).to_contain_text("have several shapes")


def test_names_that_attack_are_text_and_lead_to_their_images(visitor: Visitor, filled: str) -> None:
    for name in ATTACKS:
        page = visitor.open(filled)
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(".enlarged")).to_have_js_property("naturalWidth", 80)
        assert page.locator("h1").text_content() == name
        assert sticks_out(page) <= 0


def test_a_collection_whose_name_attacks_is_created_listed_and_removed(
    visitor: Visitor, site: Site
) -> None:
    name = "<b onclick=alert(1)> \N{RIGHT-TO-LEFT MARK}\N{FILM FRAMES}&#?%"
    page = visitor.open("/collections")
    open_form(page)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/collections/*")
    assert page.locator("h1").text_content() == name
    page = visitor.open("/collections")
    page.locator(".card a").filter(has_text="onclick").click()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete the collection").click()
    expect(page).to_have_url(re.compile("/collections/."))  # the box is not ticked
    page.get_by_label("Remove it with all its images").check()
    page.get_by_role("button", name="Delete the collection").click()
    page.wait_for_url("**/collections")
    assert name not in [one["name"] for one in site.client.get("/v1/collections").json()]


def test_the_keyboard_alone_opens_a_collection_and_an_image(visitor: Visitor, filled: str) -> None:
    page = visitor.open("/collections")
    page.get_by_role("link", name="attacked").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{filled}")
    tiles(page).first.wait_for()
    page.locator(".tiles a").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".enlarged")).to_be_visible()


def test_a_collection_and_an_image_are_for_everybody(visitor: Visitor, filled: str) -> None:
    page = visitor.page
    page.emulate_media(reduced_motion="reduce")
    for path in (filled, f"{filled}/images/{quote(ATTACKS[0])}"):
        page.goto(path)
        is_for_everybody(page)


def test_a_collection_that_is_not_there_is_a_page_that_says_so(visitor: Visitor) -> None:
    visitor.expect(404)
    page = visitor.open("/collections/none-of-this-name")
    expect(page.get_by_role("alert")).to_contain_text("there is no collection")


# --- without JavaScript ------------------------------------------------------------------------


def test_without_scripts_a_collection_is_created_filled_and_removed(
    plain_visitor: Visitor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, 2)
    page = plain_visitor.open("/collections")
    open_form(page)
    page.get_by_label("Name").fill("plain")
    page.get_by_role("button", name="Create").click()
    page.locator("input[name=files]").set_input_files(
        [folder / "000.png", folder / "001.png", folder / "notes.txt"]
    )
    page.get_by_role("button", name="Upload").click()
    report = page.get_by_role("region", name="What became of the files")
    expect(report).to_contain_text("2 inserted · 0 were there · 1 failed")
    expect(report).to_contain_text("notes.txt Not an image format that is read")
    assert names(page) == ["000.png", "001.png"]
    page.get_by_text("Delete…").click()
    page.get_by_label("Remove it with all its images").check()
    page.get_by_role("button", name="Delete the collection").click()
    expect(page.locator("main")).not_to_contain_text("plain")
