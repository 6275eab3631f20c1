"""One server and one browser for all tests of the pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx2
import pytest
from playwright.sync_api import Browser

from tests.live import LiveServer
from tests.samples import photograph
from tests.web.browser import Visitor, chromium_or_skip, visiting

ATTACK = "<img src=x onerror=alert(1)>.png"
BIG = (1600, 1200)


@dataclass(frozen=True)
class Site:
    """A running service with a library."""

    server: LiveServer
    folder: Path
    client: httpx2.Client

    @property
    def url(self) -> str:
        return self.server.url

    def id(self, path: str) -> str:
        """The id of the image of the library with that path."""
        found = self.client.get("/v1/images", params={"limit": 500}).json()["images"]
        return str(next(image["id"] for image in found if image["path"] == path))


def fill(library: Path) -> None:
    """A few images: wide ones, high ones, two that look alike, one with alpha, one that attacks."""
    library.mkdir(parents=True)
    for number, (width, height) in enumerate([(160, 120), (320, 240), (240, 320), (480, 200)]):
        cv2.imwrite(str(library / f"study_{number}.jpg"), photograph(width, height, seed=number))
    twin = cv2.resize(photograph(320, 240, seed=1), (160, 120), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(library / "twin.jpg"), twin)
    cv2.imwrite(str(library / "big.jpg"), photograph(*BIG, seed=1))
    cv2.imwrite(str(library / "clear.png"), photograph(200, 150, channels=4))
    cv2.imwrite(str(library / ATTACK), photograph(90, 60, seed=9))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    yield from chromium_or_skip()


@pytest.fixture(scope="package")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    fill(root / "library")
    settings = {"library": root / "library", "store": f"sqlite:///{root}/store.db", "workers": 2}
    with LiveServer(root, **settings) as server, server.ready().client() as client:
        server.wait_for("library: 8 added")
        yield Site(server, root, client)


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    with visiting(browser, site.url) as found:
        yield found


@pytest.fixture
def plain_visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    """Somebody without JavaScript."""
    with visiting(browser, site.url, java_script_enabled=False) as found:
        yield found
