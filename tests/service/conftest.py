"""What the tests over HTTP share: a real server, and the application as the repository has it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import pytest
from fastapi.testclient import TestClient

from tests.conftest import services
from tests.live import ROOT, LiveServer
from tests.samples import photograph


@pytest.fixture(scope="session")
def live(workspace: Path) -> Iterator[LiveServer]:
    """One server for the tests that leave it running; it writes to `out/` of the workspace."""
    with LiveServer(workspace, workers=2, write_roots="out", max_body="1MiB") as server:
        yield server.ready()


@pytest.fixture(scope="session")
def repository_client() -> Iterator[TestClient]:
    """`main:app` made in the root of the repository, outside its lifespan, with the defaults."""
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DARKROOM_")]:
            patch.delenv(name)
        os.chdir(ROOT)
        try:
            from main import app
        finally:
            os.chdir(before)
    yield TestClient(app, raise_server_exceptions=False)
    services(app).engine.close(1)


@pytest.fixture(scope="session")
def large(workspace: Path) -> str:
    """An image that keeps a worker busy for some tens of milliseconds."""
    path = workspace / "in" / "large.png"
    cv2.imwrite(str(path), photograph(1500, 1000))
    return str(path)


@pytest.fixture
def server(workspace: Path) -> Iterator[LiveServer]:
    """A server of this test's own, which the test may end."""
    with LiveServer(workspace, workers=2, write_roots="out") as found:
        yield found.ready()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool
