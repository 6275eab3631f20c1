"""A step whose sizes depend on the pixels, as plans show it and as batches run it."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from schemas.plans import PlanResponse
from tests.samples import photograph


@pytest.fixture(scope="module")
def framed(workspace: Path) -> str:
    """A PNG of 200 by 150 pixels: a photograph of 80 by 60 on white."""
    image = np.full((150, 200, 3), 255, np.uint8)
    image[40:100, 50:130] = photograph(80, 60) // 2
    path = workspace / "in" / "framed.png"
    cv2.imwrite(str(path), image)
    return str(path)


@pytest.fixture
def body(workspace: Path, tmp_path: Path, framed: str) -> dict[str, Any]:
    output = str(workspace / "out" / tmp_path.name / "a.png")
    return {"images": [{"input": framed, "output": output}]}


def plan_of(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post("/v1/plan", json=body)
    assert response.status_code == 200, response.text
    PlanResponse.model_validate(response.json())
    (found,) = response.json()["plans"]
    assert isinstance(found, dict)
    return found


def test_sizes_from_the_trim_on_are_not_exact(client: TestClient, body: dict[str, Any]) -> None:
    found = plan_of(client, body | {"operations": ["flip", "trim", "rotate=90", "resize=0.5"]})
    assert [step["operation"] for step in found["steps"]] == [0, 1, 2, 3]
    assert [step["exact"] for step in found["steps"]] == [True, False, False, False]


def test_the_sizes_shown_are_those_of_an_image_without_a_border(
    client: TestClient, body: dict[str, Any]
) -> None:
    found = plan_of(client, body | {"operations": ["trim", "resize=0.5"]})
    assert [step["sizes"] for step in found["steps"]] == [[[200, 150]], [[100, 75]]]


def test_steps_without_a_trim_are_exact(client: TestClient, body: dict[str, Any]) -> None:
    found = plan_of(client, body | {"operations": ["transpose", "deskew"]})
    assert [step["exact"] for step in found["steps"]] == [True, True]


def test_a_batch_tells_the_true_size(client: TestClient, body: dict[str, Any]) -> None:
    response = client.post("/v1/batches", json=body | {"operations": ["trim", "resize=0.5"]})
    (result,) = response.json()["results"]
    (output,) = result["outputs"]
    assert (output["width"], output["height"]) == (40, 30)
    assert cv2.imread(output["path"]).shape == (30, 40, 3)  # type: ignore[union-attr]


def test_a_failure_that_no_plan_foresees_points_to_its_operation(
    client: TestClient, body: dict[str, Any]
) -> None:
    asked = body | {"operations": ["trim", "crop=100,0,5,5"]}
    assert plan_of(client, asked)["error"] is None
    (result,) = client.post("/v1/batches", json=asked).json()["results"]
    assert "lies outside the 80x60 image" in result["error"]["detail"]
    assert result["error"]["errors"][0]["pointer"] == "/operations/1"
