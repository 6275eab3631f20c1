"""How the tests of batches ask, and what they look at."""

from pathlib import Path
from typing import Any

import httpx2
from fastapi.testclient import TestClient

ADDRESS = "/v1/batches"
JSON = {"Content-Type": "application/json"}


def run(client: TestClient, pairs: list[tuple[str, Path]], *operations: Any, **more: Any) -> Any:
    """The answer to a batch that is accepted."""
    images = [{"input": source, "output": str(output)} for source, output in pairs]
    body = {"images": images, "operations": list(operations), **more}
    response = client.post(ADDRESS, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refused(response: httpx2.Response, status: int = 422) -> list[tuple[str, str]]:
    """The faults of a problem, as (pointer, detail)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    return [(fault["pointer"], fault["detail"]) for fault in body["errors"]]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
