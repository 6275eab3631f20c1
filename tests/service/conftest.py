"""What the tests over HTTP share: a real server, and the application as the repository has it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import cv2
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.conftest import services
from tests.live import ROOT, LiveServer, until
from tests.samples import photograph
from tests.stores import KINDS, url_of


@pytest.fixture(scope="session")
def live(workspace: Path) -> Iterator[LiveServer]:
    """One server for the tests that leave it running; it writes to `out/` of the workspace."""
    with LiveServer(workspace, workers=2, write_roots="out", max_body="1MiB") as server:
        yield server.ready()


@pytest.fixture(scope="session")
def repository_client(workspace: Path) -> Iterator[TestClient]:
    """`main:app` made in the root of the repository, outside its lifespan, with the defaults."""
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DARKROOM_")]:
            patch.delenv(name)
        patch.setenv("DARKROOM_STORE", f"sqlite:///{workspace / 'repository.db'}")
        os.chdir(ROOT)
        try:
            from main import app
        finally:
            os.chdir(before)
    yield TestClient(app, raise_server_exceptions=False)
    services(app).engine.close(1)


@pytest.fixture
def repository_outputs() -> Iterator[None]:
    """The folders of the repository that results go to, for one test at a time."""
    lock = Path(tempfile.gettempdir()) / f"darkroom-{sha256(str(ROOT).encode()).hexdigest()}.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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


@pytest.fixture(scope="module", params=KINDS)
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """A client of an application over a new store; its library is the folder `library`."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "library").mkdir()
    cv2.imwrite(str(folder / "library/first.png"), photograph(8, 6))
    (folder / "out").mkdir()
    settings = load_settings(
        store=url_of(request.param, folder, request),
        library=str(folder / "library"),
        read_roots=str(folder),
        write_roots=str(folder / "out"),
        workers=1,
    )
    application = create_app(settings)
    with TestClient(application, raise_server_exceptions=False) as client:
        _empty(client)
        yield client


def _empty(client: TestClient) -> None:
    """Take out its only image when the scan at the start has found it: none is under way then."""
    until(lambda: client.get("/v1/images").json()["images"])
    (image,) = client.get("/v1/images").json()["images"]
    assert client.delete(f"/v1/images/{image['id']}").status_code == 204
