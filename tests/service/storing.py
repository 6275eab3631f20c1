"""What the tests of a `stored` application share."""

from pathlib import Path

import cv2
from fastapi.testclient import TestClient

from tests.conftest import services
from tests.samples import photograph


def folder_of(client: TestClient) -> Path:
    """The folder of a `stored` application."""
    return services(client.app).library.folder.root.parent  # type: ignore[arg-type]


def jpeg(width: int = 160, height: int = 120) -> bytes:
    return cv2.imencode(".jpg", photograph(width, height))[1].tobytes()
