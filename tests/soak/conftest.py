"""A folder of images, and servers over one store, for tests that take minutes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.entry_points import install_operations
from tests.live import LiveServer
from tests.stores import KINDS, url_of

Start = Callable[[], LiveServer]

_POISONS = ("Crash", "Hang", "Hoard", "Record")


@pytest.fixture
def poisons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers know the operations that go wrong on images of one width."""
    monkeypatch.setenv("PYTHONPATH", install_operations(tmp_path, *_POISONS))


@pytest.fixture(params=KINDS)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts a server over one store, again and again."""
    url = url_of(request.param, tmp_path, request)
    servers: list[LiveServer] = []

    def begin() -> LiveServer:
        server = LiveServer(
            tmp_path,
            workers=2,
            store=url,
            library="nothing",
            write_roots="out",
            task_timeout="10s",
        )
        servers.append(server)
        return server.__enter__()

    yield begin
    for server in servers:
        server.__exit__(None, None, None)
