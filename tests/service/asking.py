"""How the tests of `/items/` ask, and what they look at."""

from pathlib import Path
from typing import Any

import httpx2
from fastapi.testclient import TestClient


def ask(
    client: TestClient, source: Path, output: Path, operations: list[str] | None
) -> httpx2.Response:
    body: dict[str, Any] = {"images": [{"input": str(source), "output": str(output)}]}
    body["operations"] = operations
    response = client.post("/items/", json=body)
    assert response.status_code == 200
    assert response.json() == body
    return response


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
