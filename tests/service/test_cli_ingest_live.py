"""`ingest` and the client of the documentation against the service itself."""

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from tests.live import LiveServer
from tests.pages import block_of
from tests.samples import photograph
from tests.service.ingesting import Framed, Listener, ingest

EXAMPLE_LINES = 50
KEY = "0123456789abcdef"
LOSSLESS = ("alpha.png", "deep.png", "gray.png", "photo.png", "photo.tiff")


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[tuple[LiveServer, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = f"sqlite:///{folder}/live.db"
    with LiveServer(
        folder, workers=1, library="none", store=store, ingest_port=port, **settings
    ) as server:
        server.ready()
        yield server, port


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, int]]:
    with serving(tmp_path_factory.mktemp("live")) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of many kinds, one that is turned, and one that is none."""
    found = tmp_path_factory.mktemp("kinds")
    photo = photograph(161, 123)
    for name in ("photo.jpg", "photo.png", "photo.tiff", "photo.webp"):
        assert cv2.imwrite(str(found / name), photo)
    assert cv2.imwrite(str(found / "alpha.png"), photograph(90, 70, 4))
    assert cv2.imwrite(str(found / "deep.png"), photograph(90, 70, 1, 16))
    assert cv2.imwrite(str(found / "gray.png"), photograph(90, 70, 1))
    exif = Pillow.Exif()
    exif[0x0112] = 6
    with Pillow.open(found / "photo.jpg") as image:
        image.save(found / "turned.jpg", exif=exif)
    (found / "text.jpg").write_text("no image")
    return found


@pytest.fixture(scope="module")
def over_http(live: tuple[LiveServer, int], folder: Path) -> dict[str, Any]:
    """The answer of POST, and the documents."""
    server, _ = live
    files = [("files", (path.name, path.read_bytes())) for path in sorted(folder.iterdir())]
    with server.client() as client:
        answer = client.post("/v1/collections/http/images", files=files).json()
    return {"answer": answer, "documents": documents(server, "http")}


def documents(server: LiveServer, collection: str) -> dict[str, dict[str, Any]]:
    """All of a collection by name, without the time that each was made at."""
    address = f"/v1/collections/{collection}/images"
    with server.client() as client:
        names = [entry["name"] for entry in client.get(address).json()["images"]]
        found = {name: client.get(f"{address}/{name}").json() for name in names}
    for document in found.values():
        del document["created_at"]
    return found


def pixels(document: dict[str, Any]) -> Any:
    with Pillow.open(BytesIO(base64.b64decode(document["image_base64"]))) as image:
        return np.asarray(image, float)


def test_documents_and_answer_are_those_of_http(
    live: tuple[LiveServer, int], folder: Path, over_http: dict[str, Any]
) -> None:
    server, port = live
    done = ingest(port, folder, "--collection", "framed", "--json")
    assert done.exit_code == 1, done.stderr
    answer = json.loads(done.stdout)
    for key in ("inserted", "existing", "failed"):
        assert answer[key] == over_http["answer"][key]
    assert [item["name"] for item in answer["failed"]] == ["text.jpg"]
    assert documents(server, "framed") == over_http["documents"]


def test_documents_of_lossless_pickles_are_those_of_http(
    live: tuple[LiveServer, int], folder: Path, over_http: dict[str, Any]
) -> None:
    """Other decoders than ours have read the rest: Pillow's."""
    server, port = live
    done = ingest(port, folder, "--collection", "pickled", "--protocol", "pickle", "--json")
    assert done.exit_code == 1, done.stderr
    answer = json.loads(done.stdout)
    assert [item["name"] for item in answer["failed"]] == ["text.jpg"]
    found = documents(server, "pickled")
    assert found.keys() == over_http["documents"].keys() == set(answer["received"])
    assert {name: found[name] for name in LOSSLESS} == {
        name: over_http["documents"][name] for name in LOSSLESS
    }
    for name, document in found.items():
        assert np.abs(pixels(document) - pixels(over_http["documents"][name])).mean() < 3


@pytest.mark.parametrize("protocol", ["framed", "pickle"])
def test_a_folder_that_is_sent_again_changes_nothing(
    live: tuple[LiveServer, int], folder: Path, protocol: str
) -> None:
    server, port = live
    ingest(port, folder, "--collection", f"twice-{protocol}")
    first = documents(server, f"twice-{protocol}")
    ingest(port, folder, "--collection", f"twice-{protocol}", "--protocol", protocol)
    assert documents(server, f"twice-{protocol}") == first


def test_a_wrong_name_of_a_collection_is_refused(
    live: tuple[LiveServer, int], folder: Path
) -> None:
    done = ingest(live[1], folder, "--collection", "system.x")
    assert done.exit_code == 2
    assert "'system.x' cannot name a collection" in done.stderr


def test_a_key_is_asked_for_and_a_large_folder_takes_several_connections(
    folder: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, api_keys=KEY, ingest_max_images=4) as (_, port):
        wrong = ingest(port, folder, "--api-key", "another")
        none = ingest(port, folder)
        right = ingest(port, folder, "--api-key", KEY)
    assert [wrong.exit_code, none.exit_code, right.exit_code] == [2, 2, 1]
    assert none.stderr.startswith("API key missing or wrong\n")
    assert ": 8 inserted, 0 existing, 1 failed\n" in right.stderr


# --- the client of the documentation -----------------------------------------------------------


def run_example(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", block_of("docs/ingest.md", "python")]
    return subprocess.run(
        [*command, str(folder), "127.0.0.1", str(port)],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )


def test_the_client_of_the_documentation_is_short() -> None:
    assert len(block_of("docs/ingest.md", "python").splitlines()) <= EXAMPLE_LINES


def test_the_client_of_the_documentation_sends_a_folder(
    live: tuple[LiveServer, int], folder: Path, over_http: dict[str, Any]
) -> None:
    server, port = live
    done = run_example(folder, port)
    assert done.returncode == 0, done.stderr
    assert "alpha.png inserted\n" in done.stdout
    assert "text.jpg failed: The image is of no known format" in done.stdout
    assert done.stdout.endswith("\n8 inserted, 0 existing\n")
    assert documents(server, folder.name) == over_http["documents"]


def test_the_client_of_the_documentation_says_why_it_ends(folder: Path) -> None:
    with Listener(Framed(limits={"images": 3})) as listener:
        done = run_example(folder, listener.port)
    assert (done.returncode, done.stderr) == (1, "send at most 3 images at once\n")
