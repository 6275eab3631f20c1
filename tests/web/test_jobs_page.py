"""Jobs in a browser: try, submit, watch, look at what came out, cancel, do again."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.live import until
from tests.samples import photograph
from tests.web.browser import TIMES, Visitor, serious_faults, sticks_out, visiting
from tests.web.conftest import Site
from tests.web.test_every_page import is_for_everybody

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
SLOW = ["resize=1000x", "blur=31", "rotate=30", "blur=31"]
"""A tenth of a second or so for each image."""


@pytest.fixture(scope="module")
def shoot(site: Site) -> Path:
    """A folder of six images: one is damaged, one has a name that attacks."""
    folder = site.folder / "shoot"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.jpg"), photograph(160, 120, seed=number))
    (folder / HOSTILE).write_bytes((folder / "0.jpg").read_bytes())
    (folder / "damaged.jpg").write_bytes((folder / "1.jpg").read_bytes()[:2000])
    return folder


@pytest.fixture
def slow_jobs(site: Site, shoot: Path) -> Iterator[list[str]]:
    """Jobs that take minutes; cancelled when the test ends."""
    ids: list[str] = []
    yield ids
    for id in ids:
        site.client.post(f"/v1/jobs/{id}/cancel")
    until(lambda: not {"queued", "running"} & {state(site, id) for id in ids})


def state(site: Site, id: str) -> str:
    """Empty for a job that was forgotten."""
    return str(site.client.get(f"/v1/jobs/{id}").json().get("state", ""))


def submit(site: Site, name: str, count: int, *operations: str) -> str:
    """A job of `count` images, which waits for nobody."""
    images = [
        {"input": f"shoot/{number % 4}.jpg", "output": f"output/{name}/{number}.webp"}
        for number in range(count)
    ]
    body = {"images": images, "operations": operations}
    answer = site.client.post("/v1/batches", json=body, headers={"Prefer": "respond-async"})
    return str(answer.json()["id"])


def done(site: Site, name: str, **more: Any) -> str:
    """The id of an ended job over the folder."""
    image = {"input": "shoot/*.jpg", "output": f"output/{name}/{{stem}}.webp"}
    body = {"images": [image], "operations": ["resize=80x"], **more}
    return str(site.client.post("/v1/batches", json=body).json()["id"])


def fill(page: Page, operations: str, output: str, images: str = "shoot/*.jpg") -> None:
    page.get_by_label("Images", exact=True).fill(images)
    page.get_by_label("Results").fill(output)
    page.get_by_label("Operations, one a line").fill(operations)


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile("/jobs/[0-9a-f]+$"))


def bar(page: Page) -> Any:
    return page.locator("#bar progress")


def ended(page: Page, word: str) -> None:
    expect(page.locator("#head .state")).to_have_text(word)


# --- the form ----------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    visitor: Visitor, site: Site, shoot: Path
) -> None:
    page = visitor.open("/jobs")
    fill(page, "crop=0,0,100,90\nresize=50x", "output/dry/{stem}_{width}.png")
    page.get_by_role("button", name="Dry run").click()
    plan = page.locator("#plan")
    expect(plan).to_contain_text("6 images")
    row = plan.locator("tr").filter(has_text="shoot/0.jpg")
    expect(row).to_contain_text(f"160{TIMES}120")
    expect(row).to_contain_text(f"50{TIMES}45")
    expect(row).to_contain_text("output/dry/0_50.png")
    expect(page.get_by_label("Operations, one a line")).to_have_value("crop=0,0,100,90\nresize=50x")
    assert not (site.folder / "output" / "dry").exists()
    page.set_viewport_size({"width": 360, "height": 740})
    assert sticks_out(page) <= 0
    assert serious_faults(page) == []


def test_a_dry_run_tells_which_images_would_fail(visitor: Visitor, shoot: Path) -> None:
    page = visitor.open("/jobs")
    fill(page, "crop=150,0,5,5", "output/dry/{stem}.png", "shoot/[0d]*.jpg")
    (shoot / "d_small.jpg").write_bytes(cv2.imencode(".jpg", photograph(64, 48))[1].tobytes())
    page.get_by_role("button", name="Dry run").click()
    row = page.locator("#plan tr").filter(has_text="d_small.jpg")
    expect(row.get_by_role("alert")).to_contain_text("An operation cannot be applied to this image")
    expect(page.locator("#plan")).to_contain_text("1 would fail")
    (shoot / "d_small.jpg").unlink()


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    visitor: Visitor, shoot: Path
) -> None:
    visitor.expect(422)
    page = visitor.open("/jobs")
    fill(page, "grayscale\nblurr=5", "output/{stem}.png")
    page.get_by_role("button", name="Run", exact=True).click()
    field = page.get_by_label("Operations, one a line")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#fault-operations")).to_contain_text("operation 2: there is no operation")
    expect(field).to_have_value("grayscale\nblurr=5")
    fill(page, "grayscale", "output/{stem}.png", "shoot/*.nothing")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#fault-input")).to_contain_text("no file matches")
    fill(page, "grayscale", "output/same.png")
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("#fault-input, #fault-output")).to_contain_text("would both write")


@pytest.mark.parametrize("button", ["Run", "Dry run"])
def test_results_outside_the_write_roots_are_told_beside_their_field(
    visitor: Visitor, shoot: Path, button: str
) -> None:
    visitor.expect(422)
    page = visitor.open("/jobs")
    fill(page, "grayscale", "/etc/{stem}_{width}.png")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#fault-output")).to_contain_text("may not be written")
    expect(page.locator("#fault-output")).to_contain_text("/etc/")


def test_a_folder_as_input_is_told_with_the_pattern_to_write(visitor: Visitor, shoot: Path) -> None:
    visitor.expect(422)
    page = visitor.open("/jobs")
    fill(page, "grayscale", "output/{stem}.png", "shoot")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#fault-input")).to_contain_text("write shoot/* for the images in it")


def test_the_lab_hands_its_pipeline_over(visitor: Visitor, site: Site) -> None:
    steps = '{"steps":[{"op":"resize","factor":0.5},{"op":"grayscale"}],"encode":{"quality":70}}'
    page = visitor.open(f"/lab?image={site.id('study_1.jpg')}#{quote(steps)}")
    expect(page.locator("li.step")).to_have_count(2)
    page.get_by_role("link", name="Run on a folder…").click()
    expect(page.get_by_label("Operations, one a line")).to_have_value("resize=0.5\ngrayscale")
    expect(page.get_by_label("Quality")).to_have_value("70")


def test_several_widths_are_made_of_each_image(visitor: Visitor, site: Site, shoot: Path) -> None:
    page = visitor.open("/jobs")
    fill(page, "", "output/sizes/{stem}.webp", "shoot/0.jpg")
    page.get_by_text("Several sizes").click()
    page.get_by_label("Widths").fill("80, 40")
    visitor.expect(422)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#fault-output")).to_contain_text("put {width} into the name")
    page.get_by_label("Results").fill("output/sizes/{stem}_{width}.webp")
    run(page)
    ended(page, "completed")
    assert {file.name for file in (site.folder / "output/sizes").iterdir()} == {
        "0_80.webp",
        "0_40.webp",
    }
    expect(page.locator("#facts")).to_contain_text("set by each variant")


def test_a_recipe_stands_for_operations(visitor: Visitor, site: Site, shoot: Path) -> None:
    site.client.put("/v1/recipes/tiny", json={"operations": ["resize=20x"]}).raise_for_status()
    page = visitor.open("/jobs")
    options = page.get_by_text("Several sizes, further options").bounding_box()
    buttons = page.locator(".batch > .row").bounding_box()
    assert options is not None
    assert buttons is not None
    assert options["y"] + options["height"] <= buttons["y"]
    fill(page, "", "output/recipe/{stem}_{width}.png", "shoot/0.jpg")
    page.get_by_label("Or a recipe").select_option("tiny")
    run(page)
    ended(page, "completed")
    expect(page.locator("#results [data-count]")).to_have_text("1")
    assert (site.folder / "output/recipe/0_20.png").is_file()
    site.client.delete("/v1/recipes/tiny").raise_for_status()


# --- one job -----------------------------------------------------------------------------------


def test_a_batch_is_submitted_watched_and_its_results_are_opened(
    visitor: Visitor, shoot: Path
) -> None:
    page = visitor.open("/jobs")
    fill(page, "resize=80x\nsharpen", "output/first/{stem}.webp")
    run(page)
    expect(bar(page)).to_have_js_property("value", 6)
    expect(bar(page)).to_have_js_property("max", 6)
    ended(page, "completed, 1 failed")
    expect(page.locator("#spoken")).to_have_text(re.compile("completed|^$"))
    expect(page.locator(".sheet li")).to_have_count(5)
    expect(page.locator("#bar")).to_contain_text("1 failed")
    picture = page.locator(".sheet a").filter(has_text="onerror")
    expect(picture.locator("img")).to_have_js_property("naturalWidth", 80)
    picture.click()
    expect(page.locator("h1")).to_have_text(f"shoot/{HOSTILE}")
    images = page.locator(".sides img")
    expect(images.nth(0)).to_have_js_property("naturalWidth", 160)
    expect(images.nth(1)).to_have_js_property("naturalWidth", 80)


def test_a_job_in_which_images_failed_does_not_look_like_a_success(
    visitor: Visitor, site: Site, shoot: Path
) -> None:
    part = done(site, "part")
    image = {"input": "shoot/damaged.jpg", "output": "output/none/{stem}.webp"}
    none = site.client.post("/v1/batches", json={"images": [image]}).json()["id"]
    page = visitor.open("/jobs")
    for id, word, share in (
        (part, "completed, 1 failed", ("5", "1", "0 0 6 1")),
        (none, "completed, nothing succeeded", ("0", "1", "0 0 1 1")),
    ):
        row = page.locator(f"#job-{id}")
        expect(row.locator(".state")).to_have_text(word)
        expect(row.locator(".state")).not_to_have_class(re.compile("completed"))
        red = row.locator("job-progress rect")
        assert (red.get_attribute("x"), red.get_attribute("width")) == share[:2]
        assert row.locator("job-progress svg").get_attribute("viewBox") == share[2]
    page.goto(f"/jobs/{none}")
    ended(page, "completed, nothing succeeded")


def test_a_failure_tells_its_step_in_the_words_of_the_problem(
    visitor: Visitor, site: Site, shoot: Path
) -> None:
    id = done(site, "failures", operations=["grayscale", "crop=150,110,10,10"])
    wide = {"input": "shoot/0.jpg", "output": "output/failures/0.png"}
    body = {"images": [wide], "operations": ["resize=80x", "crop=150,110,10,10"]}
    other = site.client.post("/v1/batches", json=body).json()["id"]
    page = visitor.open(f"/jobs/{id}")
    failures = page.locator("#failures tbody tr")
    expect(failures).to_have_count(1)
    expect(failures).to_contain_text("Damaged image")
    expect(failures).to_contain_text("reading")
    page = visitor.open(f"/jobs/{other}")
    expect(failures).to_contain_text("step 2: crop=150,110,10,10")
    expect(failures).to_contain_text("the rectangle at 150,110 lies outside the 80x60 image")
    failures.get_by_role("link").click()
    expect(page.get_by_role("alert")).to_contain_text("At step 2: crop=150,110,10,10")
    expect(page.locator(".sides img")).to_have_js_property("naturalWidth", 160)


def test_what_failed_is_done_again_once_it_is_mended(
    visitor: Visitor, site: Site, shoot: Path
) -> None:
    page = visitor.open(f"/jobs/{done(site, 'again')}")
    damaged = (shoot / "damaged.jpg").read_bytes()
    (shoot / "damaged.jpg").write_bytes((shoot / "1.jpg").read_bytes())
    page.get_by_role("button", name="Retry failed").click()
    expect(page.locator("#results [data-count]")).to_have_text("6")
    expect(page.locator(".sheet li")).to_have_count(6)
    expect(page.locator("#failures")).to_have_count(0)
    ended(page, "completed")
    (shoot / "damaged.jpg").write_bytes(damaged)


def test_a_long_job_moves_draws_its_throughput_and_is_cancelled(
    visitor: Visitor, site: Site, slow_jobs: list[str]
) -> None:
    slow_jobs.append(submit(site, "long", 2000, *SLOW))
    page = visitor.open(f"/jobs/{slow_jobs[0]}")
    page.wait_for_function("() => document.querySelector('#bar progress').value > 2")
    chart = page.locator("throughput-chart")
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile("Images a second"))
    chart.get_by_text("As a table").click()
    expect(chart.locator("tbody tr").first).to_be_visible()
    expect(page.locator("#bar")).to_contain_text("left")
    assert serious_faults(page) == []
    page.get_by_role("button", name="Cancel").click()
    ended(page, "cancelled")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_results_that_were_replaced_are_not_shown_as_what_the_job_made(
    visitor: Visitor, site: Site, shoot: Path
) -> None:
    id = done(site, "replaced")
    (site.folder / "output/replaced/0.webp").write_bytes(b"something else")
    page = visitor.open(f"/jobs/{id}")
    expect(page.locator(".sheet .absent")).to_have_text("replaced or removed since")
    page.locator(".sheet a").filter(has=page.locator(".absent")).click()
    expect(page.locator(".sides .absent")).to_have_text("It has been replaced or removed since.")


def test_a_second_run_shows_what_it_left_alone(visitor: Visitor, site: Site, shoot: Path) -> None:
    done(site, "unchanged", skip_unchanged=True)
    page = visitor.open(f"/jobs/{done(site, 'unchanged', skip_unchanged=True)}")
    page.get_by_role("link", name="skipped").click()
    expect(page.locator(".sheet img")).to_have_count(5)


def test_an_unknown_job_is_a_page_that_says_so(visitor: Visitor) -> None:
    visitor.expect(404)
    page = visitor.open("/jobs/none")
    expect(page.get_by_role("alert")).to_contain_text("there is no job none")


# --- the list ----------------------------------------------------------------------------------


def test_the_list_moves_with_no_more_than_two_streams(
    visitor: Visitor, site: Site, slow_jobs: list[str]
) -> None:
    slow_jobs += [submit(site, f"many{number}", 2000, *SLOW) for number in range(3)]
    until(lambda: all(state(site, id) == "running" for id in slow_jobs))
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    page = visitor.open("/jobs?state=running")
    rows = [page.locator(f"#job-{id}") for id in slow_jobs]
    before = [row.locator("progress").evaluate("bar => bar.value") for row in rows]
    for row, value in zip(rows, before, strict=True):
        handle = row.locator("progress").element_handle()
        page.wait_for_function("([bar, value]) => bar.value > value", arg=[handle, value])
    assert len([url for url in asked if "/events" in url]) == 2
    rows[0].get_by_role("button", name="Cancel").click()
    ended(page, "cancelled")


def test_the_list_is_filtered_paged_and_forgets(visitor: Visitor, site: Site, shoot: Path) -> None:
    ids = [submit(site, "paged", 1, "grayscale") for _ in range(21)]
    until(lambda: all(state(site, id) == "completed" for id in ids))
    page = visitor.open("/jobs")
    page.get_by_role("link", name="completed", exact=True).click()
    expect(page.locator("li.job")).to_have_count(20)
    page.get_by_role("link", name="Earlier jobs").click()
    expect(page.locator(f"#job-{ids[0]}")).to_be_visible()
    expect(page).to_have_url(re.compile("state=completed"))
    page.locator(f"#job-{ids[0]}").get_by_role("button", name="Forget").click()
    page.wait_for_url("**/jobs")
    assert site.client.get(f"/v1/jobs/{ids[0]}").status_code == 404
    page = visitor.open("/jobs?state=failed")
    expect(page.locator("#list .empty")).to_contain_text("None is failed")


def test_a_made_up_cursor_is_told_in_the_words_of_the_problem(visitor: Visitor) -> None:
    page = visitor.open("/jobs?cursor=made-up")
    expect(page.get_by_role("alert")).to_contain_text("A cursor of another query")


# --- for everybody -----------------------------------------------------------------------------


def test_the_keyboard_alone_submits_and_opens_a_result(visitor: Visitor, shoot: Path) -> None:
    page = visitor.open("/jobs")
    page.get_by_label("Images", exact=True).focus()
    page.keyboard.type("shoot/[01].jpg")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("output/keys/{stem}.webp")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("resize=40x")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/jobs/[0-9a-f]+$"))
    expect(page.locator(".sheet img")).to_have_count(2)
    ended(page, "completed")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.sheet') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(re.compile(r"shoot/[01]\.jpg"))


@pytest.mark.parametrize("below", ["", "/results/0"])
def test_a_job_and_a_result_are_for_everybody(
    browser: Browser, site: Site, shoot: Path, below: str
) -> None:
    id = done(site, "everybody")
    with visiting(browser, site.url, reduced_motion="reduce") as visitor:
        is_for_everybody(visitor.open(f"/jobs/{id}{below}"))


def test_without_scripts_a_batch_is_tried_submitted_and_looked_at(
    plain_visitor: Visitor, site: Site, shoot: Path
) -> None:
    page = plain_visitor.open("/jobs")
    fill(page, "resize=40x", "output/plain/{stem}.webp")
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("#plan")).to_contain_text("6 images")
    run(page)
    id = page.url.rpartition("/")[2]
    until(lambda: state(site, id) == "completed")
    page.reload()
    expect(page.locator(".sheet img")).to_have_count(5)
    page.locator("#failures a").click()
    expect(page.get_by_role("alert")).to_contain_text("Damaged image")


def test_without_scripts_a_job_is_cancelled_and_forgotten(
    plain_visitor: Visitor, site: Site, slow_jobs: list[str]
) -> None:
    slow_jobs.append(submit(site, "plain_long", 2000, *SLOW))
    page = plain_visitor.open(f"/jobs/{slow_jobs[0]}")
    page.get_by_role("button", name="Cancel").click()
    until(lambda: state(site, slow_jobs[0]) == "cancelled")
    page.reload()
    page.get_by_role("button", name="Forget").click()
    page.wait_for_url("**/jobs")
    assert site.client.get(f"/v1/jobs/{slow_jobs[0]}").status_code == 404
