"""The examples of the documentation work as they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from schemas.batches import BatchRequest
from tests.live import LiveServer, environment
from tests.pages import ROOT, block_of, blocks
from tests.samples import photograph


def curl_commands() -> dict[str, list[str]]:
    """The requests of each page in their order: one may build upon those before it."""
    pages: dict[str, list[str]] = {}
    for page, text in blocks("sh"):
        if text.startswith("curl "):
            pages.setdefault(page, []).append(text)
    return pages


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, Path]]:
    """A server in a folder with the sample images, set up as `make run` does."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "testimages").mkdir()
    for image in (ROOT / "testimages").glob("*.jpg"):
        shutil.copy(image, folder / "testimages")
    with LiveServer(folder, workers=1) as server:
        server.wait_for("library: 4 added")
        yield server, folder


needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="the commands in the docs need curl"
)


@needs_curl
@pytest.mark.parametrize("page", curl_commands())
def test_requests_in_the_docs_work(live: tuple[LiveServer, Path], page: str) -> None:
    server, folder = live
    for command in curl_commands()[page]:
        _check_request(server, folder, command)


def _check_request(server: LiveServer, folder: Path, command: str) -> None:
    command = command.replace("http://127.0.0.1:8888", server.url)
    command = command.replace(
        "curl ", "curl --noproxy '*' --silent --show-error --fail-with-body ", 1
    )
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, command + done.stderr + done.stdout
    if "--etag-compare" in command:
        assert done.stdout == "304\n"
    elif done.stdout:
        answer = json.loads(done.stdout)
        assert _failures(answer) in (0, []), command + done.stdout
        for path in _written(answer):
            assert (folder / path).stat().st_size > 0
    for path in _results(command):
        assert (folder / path).stat().st_size > 0


def _failures(answer: Any) -> Any:
    """What an answer says of the images that failed: their number, or a list of them."""
    if not isinstance(answer, dict):
        return 0
    return answer.get("counts", answer).get("failed", 0)


def _written(answer: Any) -> list[str]:
    """The files that a batch says it has written."""
    results = answer.get("results", []) if isinstance(answer, dict) else []
    return [output["path"] for result in results for output in result["outputs"]]


@needs_curl
def test_arrays_of_a_collection_are_read_as_the_docs_say(
    live: tuple[LiveServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, folder = live
    page = "docs/collections.md"
    for command in curl_commands()[page]:
        _check_request(server, folder, command)
    monkeypatch.chdir(folder)
    found: dict[str, Any] = {}
    exec(block_of(page, "python"), found)
    assert (found["images"].shape, found["images"].dtype) == ((4, 90, 80), np.uint8)
    assert list(found["names"]) == [f"cyclo{number}.jpg" for number in (1, 2, 3, 4)]


def _results(command: str) -> list[str]:
    """The files that a command says it writes, as far as they are not numbered or planned."""
    saved = re.findall(r"--output (\S+)", command)
    if "/v1/plan" in command or "split" in command:
        return saved
    named = re.findall(r'"output": "([^"]+)"', command)
    return saved + [path for path in named if "{" not in path]


def test_bodies_in_the_docs_are_batches() -> None:
    bodies = [
        body
        for commands in curl_commands().values()
        for command in commands
        if "/v1/batches" in command or "/v1/plan" in command
        for body in re.findall(r"-d '(\{.*?\n\})'", command, re.DOTALL)
    ]
    assert len(bodies) >= 4
    for body in bodies:
        assert BatchRequest.model_validate_json(body).images


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the image work with the operation of docs/extending.md added."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(
        ROOT / "processors", folder / "processors", ignore=shutil.ignore_patterns("__pycache__")
    )
    module = folder / "processors" / "operations" / "screens.py"
    module.write_text(block_of("docs/extending.md", "python"), encoding="utf-8")
    return folder


_USE_IT = """\
import json, sys
from pathlib import Path
from fastapi.testclient import TestClient
from main import app
client = TestClient(app)
answer = client.post("/v1/process?operations=scanlines=0.4", content=Path(sys.argv[1]).read_bytes())
Path(sys.argv[2]).write_bytes(answer.content)
print(json.dumps(client.get("/v1/operations/scanlines").json()))
"""


def test_the_operation_of_the_guide_works_on_a_route_with_no_other_change(
    extended: Path, tmp_path: Path
) -> None:
    image = photograph(64, 48)
    cv2.imwrite(str(tmp_path / "in.png"), image)
    done = subprocess.run(
        [sys.executable, "-c", _USE_IT, tmp_path / "in.png", tmp_path / "out.png"],
        cwd=extended,
        env={**environment(workers=1), "PYTHONPATH": f"{extended}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["family"] == "screens"
    darker = cv2.imread(str(tmp_path / "out.png"))
    assert darker is not None
    assert np.array_equal(darker[1::2], image[1::2])
    assert np.array_equal(darker[::2], (image[::2] * 0.6).astype(np.uint8))
