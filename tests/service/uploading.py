"""How the tests of `/v1/process` ask, and what they look at."""

from typing import Any

import cv2
import httpx2
import numpy as np
from fastapi.testclient import TestClient

from processors.operation import Image

ADDRESS = "/v1/process"


def decoded(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image  # type: ignore[return-value]


def good(response: httpx2.Response) -> httpx2.Response:
    assert response.status_code == 200, response.text
    return response


def refused(response: httpx2.Response, status: int, slug: str) -> dict[str, str]:
    """The faults of a problem by pointer."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["type"] == f"/problems/{slug}"
    return {fault["pointer"]: fault["detail"] for fault in body["errors"]}


def post_form(
    client: TestClient, photo: bytes, name: str = "cat.jpg", query: str = "", **fields: Any
) -> httpx2.Response:
    return client.post(ADDRESS + query, files={"file": (name, photo)}, data=fields)
