"""`python main.py send` and the service itself: they speak the same language."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from tests.live import LiveServer
from tests.samples import photograph
from tests.service.streaming import send

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("live") / "in"
    (found / "deep").mkdir(parents=True)
    for at in range(20):
        assert cv2.imwrite(str(found / f"deep/{at:02}.png"), photograph(40, 30, seed=at))
    assert cv2.imwrite(str(found / "large.bmp"), photograph(400, 300))
    (found / "text.jpg").write_text("no image")
    return found


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    settings = {"workers": 1, "max_image_bytes": "100KB", "library": "nothing", "api_keys": KEY}
    with LiveServer(folder.parent, **settings) as server:
        yield server.url.replace("http://", "ws://") + "/v1/stream"


def test_good_images_are_acknowledged_and_bad_ones_explained(folder: Path, url: str) -> None:
    done = send(folder, url, "--api-key", KEY)
    assert done.exit_code == 1
    assert "deep/19.png: 40x30, " in done.stderr
    assert "text.jpg: failed: The image is of no known format" in done.stderr
    assert "large.bmp: failed: 360054 bytes are more than the server takes: " in done.stderr
    assert ": 20 acknowledged, 2 failed; " in done.stderr


def test_results_are_saved(folder: Path, url: str, tmp_path: Path) -> None:
    options = ("--operation", "resize=0.5", "--operation", "split=1", "--format", "webp")
    send(folder, url, "--api-key", KEY, *options, "--save", str(tmp_path))
    assert len(list(tmp_path.rglob("*"))) == 1 + 4 * 20
    image = cv2.imread(str(tmp_path / "deep/07_4.webp"))
    assert image is not None
    assert image.shape == (8, 10, 3)


def test_an_image_in_text_is_acknowledged(folder: Path, url: str) -> None:
    done = send(folder / "deep", url, "--api-key", KEY, "--text")
    assert done.exit_code == 0, done.stderr
    assert "19.png: 40x30, " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--operation", "blurr=1"), "/operations/0: there is no operation 'blurr'; did you mean"),
        (("--recipe", "none"), "there is no recipe 'none'"),
        (("--quality", "500"), "/encode/quality: Input should be less than or equal to 100"),
    ],
)
def test_wrong_settings_are_explained_by_the_service(
    folder: Path, url: str, arguments: tuple[str, str], message: str
) -> None:
    done = send(folder, url, "--api-key", KEY, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_key_that_is_wrong_is_explained(folder: Path, url: str) -> None:
    done = send(folder, url, "--api-key", "another")
    assert done.exit_code == 2
    assert "answers 401 Unauthorized: it wants another API key" in done.stderr
