"""What the contracts of stores are tried on: a new, empty store of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.base import JobStore, Store
from tests.stores import KINDS, run, store_of, url_of


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = store_of(url_of(request.param, tmp_path, request))
    yield opened
    run(opened.close())


@pytest.fixture
def jobs(store: Store) -> JobStore:
    return store.jobs
