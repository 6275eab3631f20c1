"""`python -m docs.page_pictures`: the pictures of the pages, taken by Debian's Chromium.

Needs /usr/bin/chromium. The service runs in a temporary folder, with the sample images as its
library.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
from playwright.sync_api import Page, sync_playwright

PROJECT = Path(__file__).parent.parent
PICTURES = PROJECT / "docs" / "pictures" / "pages"
SAMPLES = PROJECT / "testimages"

_WINDOW = {"width": 1280, "height": 800}
_ADDRESS = re.compile(r"running on (http://\S+)")
_STEPS = ("contrast=1.15", "crop=120,60,800,620", "curves=[[0,8],[70,54],[190,214],[255,250]]")
_PARTS = (
    "rotate=0",
    "square_crop=200",
    "flip",
    *(f"crop={x},{x},180,200" for x in range(0, 96, 16)),
)
_JOB_LOOKS = ("rotate=0", "grayscale", "flip", "square_crop=600", "blur=9", "rotate=90")
_LOOKS = 80
# Parts of the samples, as a photographer's studies: sample, left, top, width, height.
_STUDIES = (
    ("cyclo1", 60, 0, 500, 340), ("cyclo1", 420, 380, 560, 370), ("cyclo2", 180, 300, 620, 700),
    ("cyclo2", 0, 0, 460, 700), ("cyclo3", 240, 420, 780, 520), ("cyclo3", 520, 0, 500, 560),
    ("cyclo4", 0, 160, 500, 300), ("cyclo4", 40, 0, 300, 420), ("cyclo1", 0, 0, 1024, 420),
    ("cyclo2", 400, 420, 500, 340), ("cyclo3", 0, 0, 420, 620), ("cyclo4", 200, 120, 310, 310),
)  # fmt: skip


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        _service(Path(folder)) as url,
        sync_playwright() as driver,
    ):
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=sandbox)
        page = browser.new_page(base_url=url, viewport=_WINDOW, color_scheme="dark")
        for name, show in PAGES.items():
            show(page)
            page.wait_for_load_state("networkidle")
            # A tenth of what PNG takes.
            page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=85)
            print(PICTURES / f"{name}.jpg")
        browser.close()


def _library(page: Page) -> None:
    page.goto("/?sort=-megapixels")


def _image(page: Page) -> None:
    page.goto("/?name=cyclo2")
    page.locator(".gallery a").first.click()
    page.wait_for_selector(".histogram")


def _lab(page: Page) -> None:
    page.goto("/?name=cyclo1.jpg")
    page.locator(".gallery a").first.click()
    id = page.url.rpartition("/")[2]
    page.goto(f"/lab?image={id}&" + "&".join(f"operations={step}" for step in _STEPS))
    page.wait_for_selector("image-view[data-rendered]")
    page.locator(".step .name").first.click()
    page.get_by_role("button", name="Before/after").click()


def _job(page: Page) -> None:
    """Watched from its beginning, so that the curve is there."""
    looks = [
        {"output": f"output/{number}/{{stem}}.webp", "operations": [look]}
        for number, look in enumerate(_JOB_LOOKS)
    ]
    body = {
        "images": [{"input": "library/*.jpg", "variants": [look]} for look in looks],
        "operations": ["resize=1200x", "median=5", "contrast=1.15"],
    }
    answer = page.request.post("/v1/batches", data=body, headers={"Prefer": "respond-async"})
    page.goto(f"/jobs/{answer.json()['id']}")
    page.wait_for_selector(".state.completed", timeout=60_000)


def _collection(page: Page) -> None:
    """Filled with parts of the library's images."""
    for image in page.request.get("/v1/images?limit=100").json()["images"]:
        for number, part in enumerate(_PARTS):
            asked = {"operations": part, "format": "jpeg"}
            answer = page.request.get(f"/v1/images/{image['id']}/content", params=asked)
            name = f"{number}_{image['path']}"
            file = {"name": name, "mimeType": "image/jpeg", "buffer": answer.body()}
            page.request.post("/v1/collections/streets/images", multipart={"files": file})
    page.goto("/collections/streets")


def _camera(page: Page) -> None:
    """With pictures of a few effects."""
    for effect in ("invert", "emboss", "canny", "sepia", "posterize"):
        page.request.post("/v1/camera/pictures", params={"operations": effect})
    page.goto("/camera?operations=posterize")
    page.wait_for_selector(".readings strong")


def _status(page: Page) -> None:
    """After half a minute with more and less to do."""
    (image,) = page.request.get("/v1/images?limit=1").json()["images"]
    page.goto("/status")
    for number in range(_LOOKS):
        for work in range(1 + number * 5 % 7):
            page.request.get(f"/v1/images/{image['id']}/content?operations=blur%3D{2 * work + 3}")
        page.wait_for_timeout(250)


PAGES = {
    "library": _library,
    "image": _image,
    "lab": _lab,
    "job": _job,
    "camera": _camera,
    "collection": _collection,
    "status": _status,
}


@contextmanager
def _service(folder: Path) -> Iterator[str]:
    """The address of a service whose library is filled."""
    _fill(folder / "library")
    settings = {"LIBRARY": f"{folder}/library", "STORE": f"sqlite:///{folder}/store.db"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    process = subprocess.Popen(
        [sys.executable, PROJECT / "main.py", "serve", "--port", "0"],
        cwd=folder,
        env=kept | {f"DARKROOM_{name}": value for name, value in settings.items()},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(30)


def _address(process: subprocess.Popen[str]) -> str:
    """Waits until the service listens and its library is read."""
    assert process.stderr is not None
    address, read = "", False
    for line in process.stderr:
        found = _ADDRESS.search(line)
        address = found[1] if found else address
        read = read or "library:" in line
        if address and read:
            # Nobody would empty the pipe, and a full one stops the service.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return address
    raise RuntimeError("the service did not start")


def _fill(library: Path) -> None:
    library.mkdir()
    for sample in SAMPLES.glob("*.jpg"):
        shutil.copy(sample, library)
    for number, (name, x, y, width, height) in enumerate(_STUDIES, start=1):
        image = cv2.imread(str(SAMPLES / f"{name}.jpg"))
        assert image is not None
        cv2.imwrite(str(library / f"study_{number:02}.jpg"), image[y : y + height, x : x + width])


if __name__ == "__main__":
    main()
