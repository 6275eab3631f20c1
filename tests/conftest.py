"""What tests share: a workspace with images, one application with its workers, one client."""

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from processors.resources import reading
from service.app import create_app
from service.services import Services
from service.settings import load_settings
from tests.mongod import Mongod
from tests.resources import read_sample
from tests.samples import photograph
from tests.stores import mongod_or_skip

# The tests start hundreds of processes, and each would compile all modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

WORKERS = 2
SHORT = frozenset(("comparisons", "contracts", "golden", "processors", "probing"))
"""Folders of tests that start no servers."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for processes comes first: the many short tests fill the gaps at the end."""
    items.sort(key=lambda item: item.path.parent.name in SHORT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged goes to the process that reports, in UTF-8, which it need not be."""
    report = yield
    report.sections = [
        (name, content.encode(errors="backslashreplace").decode())
        for name, content in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `in/`, which holds a few images, and `out/`."""
    root = tmp_path_factory.mktemp("workspace")
    (root / "in").mkdir()
    (root / "out").mkdir()
    image = photograph(160, 120)
    for name in ("photo.jpg", "photo.png", "photo.webp"):
        cv2.imwrite(str(root / "in" / name), image)
    cv2.imwrite(str(root / "in" / "gray.png"), image[..., 0])
    cv2.imwrite(str(root / "in" / "deep.png"), image.astype(np.uint16) * 257)
    (root / "in" / "truncated.jpg").write_bytes((root / "in" / "photo.jpg").read_bytes()[:2000])
    (root / "in" / "text.jpg").write_text("not an image")
    return root


@pytest.fixture(scope="session", autouse=True)
def reader() -> Iterator[None]:
    """What operations in this process read their images with; workers have the service's own."""
    with reading(read_sample):
        yield


@pytest.fixture(scope="session")
def app(workspace: Path) -> Iterator[FastAPI]:
    """One application for all tests: its workers start once."""
    settings = load_settings(
        read_roots=str(workspace),
        write_roots=str(workspace / "out"),
        store=f"sqlite:///{workspace / 'darkroom.db'}",
        library=str(workspace / "in"),
        workers=WORKERS,
        task_timeout="5s",
    )
    application = create_app(settings)
    yield application
    services(application).engine.close(1)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> TestClient:
    """A client outside the application's lifespan: each request has an event loop of its own."""
    return TestClient(app, raise_server_exceptions=False)


def services(application: FastAPI) -> Services:
    found: Any = application.state.services
    assert isinstance(found, Services)
    return found


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """One real MongoDB server for all tests; each uses a database of its own."""
    yield from mongod_or_skip(tmp_path_factory.mktemp("mongod"))
