"""DARKROOM_MEMORY_BUDGET, seen by a client."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import services
from tests.live import until
from tests.service.calling import client_of
from tests.service.storing import jpeg
from tests.service.uploading import good


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """One worker: an image of 128 KiB is large for a budget of 1 MiB."""
    store = f"sqlite:///{tmp_path / 'darkroom.db'}"
    with client_of(tmp_path, store, memory_budget="1MiB") as opened:
        yield opened


def test_a_large_image_waits_for_memory_and_a_small_one_does_not(client: TestClient) -> None:
    admission = services(client.app).dispatcher.admission  # type: ignore[arg-type]
    ticket = admission.enter(1 << 20)
    with ThreadPoolExecutor(1) as pool:
        large = pool.submit(client.post, "/v1/process?operations=flip", content=jpeg(400, 300))
        until(lambda: admission.load()[1] == 1)
        good(client.post("/v1/process?operations=flip", content=jpeg(40, 30)))
        assert not large.done()
        admission.leave(ticket)
        good(large.result())
    assert admission.load() == (0, 0)
