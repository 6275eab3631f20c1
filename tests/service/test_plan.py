"""`POST /v1/plan`: what a batch would do, field by field, with nothing done."""

import os
import random
from pathlib import Path
from typing import Any

import cv2
import pytest
from fastapi.testclient import TestClient

from schemas.plans import PlanResponse
from tests.samples import photograph
from tests.service.mutations import mutated

ADDRESS = "/v1/plan"


@pytest.fixture(scope="module")
def big(workspace: Path) -> str:
    """A JPEG of 1600 by 1200 pixels."""
    path = workspace / "in" / "big.jpg"
    cv2.imwrite(str(path), photograph(1600, 1200))
    return str(path)


@pytest.fixture
def output(workspace: Path, tmp_path: Path) -> str:
    """An output in a folder that is not there."""
    return str(workspace / "out" / "plans" / tmp_path.name / "a.webp")


def plan(client: TestClient, body: dict[str, Any]) -> Any:
    response = client.post(ADDRESS, json=body)
    assert response.status_code == 200, response.text
    answer = response.json()
    PlanResponse.model_validate(answer)
    return answer


def plan_one(
    client: TestClient, source: str, output: str, *operations: Any, **more: Any
) -> dict[str, Any]:
    images = [{"input": source, "output": output}]
    (found,) = plan(client, {"images": images, "operations": list(operations), **more})["plans"]
    assert isinstance(found, dict)
    return found


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """All files and folders below `folder` with time and size."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_the_keys_of_the_answer(client: TestClient, big: str, output: str) -> None:
    answer = plan(client, {"images": [{"input": big, "output": output}]})
    assert set(answer) == {"plans", "warnings"}
    assert set(answer["plans"][0]) == {
        *(
            "index",
            "variant",
            "input",
            "source",
            "decode",
            "steps",
            "rewrites",
            "outputs",
            "format",
        ),
        *("peak_bytes", "error", "warnings"),
    }


def test_a_variant_that_fails_hides_no_other(client: TestClient, big: str, output: str) -> None:
    outside = {"op": "crop", "x": 5000, "y": 0, "width": 9, "height": 9}
    variants = [
        {"output": output, "operations": ["resize=800x"]},
        {"output": f"{output}.png", "operations": ["flip", outside]},
        {"output": "/proc/no.png"},
    ]
    plans = plan(client, {"images": [{"input": big}], "variants": variants})["plans"]
    assert [(one["index"], one["variant"], one["outputs"]) for one in plans] == [
        (0, 0, [output]),
        (0, 1, []),
        (0, 2, []),
    ]
    good, cropped, refused = (one["error"] for one in plans)
    assert good is None
    assert cropped["errors"][0]["pointer"] == "/variants/1/operations/1"
    assert refused["type"] == "/problems/path-refused"


def test_what_all_variants_would_meet_is_one_entry(
    client: TestClient, big: str, output: str
) -> None:
    body = {
        "images": [{"input": big}, {"input": "/in/nothing.png"}],
        "operations": ["crop=5000,0,9,9"],
        "variants": [{"output": output}, {"output": f"{output}.png"}],
    }
    plans = plan(client, body)["plans"]
    assert [(one["index"], one["variant"]) for one in plans] == [(0, None), (1, None)]
    assert plans[0]["error"]["errors"][0]["pointer"] == "/operations/0"


def test_nothing_is_written(client: TestClient, workspace: Path, big: str, output: str) -> None:
    before = listing(workspace / "in")
    body = {
        "images": [{"input": big, "output": output}, {"input": big, "output": big}],
        "operations": ["split", "resize=0.5"],
    }
    plan(client, body)
    assert listing(workspace / "in") == before
    assert not Path(output).parent.exists()


def test_the_source_is_what_the_header_says(client: TestClient, big: str, output: str) -> None:
    source = plan_one(client, big, output)["source"]
    assert source | {"format": "jpeg", "width": 1600, "height": 1200, "channels": 3} == source
    assert source | {"bit_depth": 8, "orientation": 1, "progressive": False} == source


def test_reduced_decoding_is_seen(client: TestClient, big: str, output: str) -> None:
    found = plan_one(client, big, output, "resize=0.25")
    assert found["decode"] == "keep, reduced to 1/4"
    assert "decode_reduced" in found["rewrites"]


def test_gray_decoding_is_seen(client: TestClient, big: str, output: str) -> None:
    found = plan_one(client, big, output, "grayscale", "blur=3")
    assert found["decode"] == "gray"
    assert [step["step"] for step in found["steps"]] == ["blur=3"]
    assert "decode_gray" in found["rewrites"]


def test_exact_rewrites_nothing_of_the_pixels(client: TestClient, big: str, output: str) -> None:
    found = plan_one(client, big, output, "resize=0.25", "grayscale", fidelity="exact")
    assert found["decode"] == "keep"
    assert [step["operation"] for step in found["steps"]] == [0, 1]
    assert set(found["rewrites"]) <= {"drop_identities"}


def test_each_step_tells_its_operation_and_the_sizes_after_it(
    client: TestClient, big: str, output: str
) -> None:
    found = plan_one(client, big, output, "rotate=0", "crop=0,0,800,601", "split=True", "rotate=90")
    assert [step["operation"] for step in found["steps"]] == [1, 2, 3]
    assert [step["sizes"] for step in found["steps"]] == [
        [[800, 601]],
        [[400, 300], [400, 300], [400, 301], [400, 301]],
        [[300, 400], [300, 400], [301, 400], [301, 400]],
    ]
    assert found["rewrites"] == ["drop_identities"]


def test_the_outputs_are_those_that_the_batch_writes(
    client: TestClient, workspace: Path, output: str
) -> None:
    source = str(workspace / "in/photo.jpg")
    body = {"images": [{"input": source, "output": output}], "operations": ["split=1,3"]}
    (planned,) = plan(client, body)["plans"]
    (done,) = client.post("/v1/batches", json=body).json()["results"]
    assert planned["outputs"] == [result["path"] for result in done["outputs"]]
    assert planned["steps"][-1]["sizes"] == [
        [result["width"], result["height"]] for result in done["outputs"]
    ]
    assert {planned["format"]} == {result["format"] for result in done["outputs"]}


def test_the_format_is_the_one_asked_for(client: TestClient, big: str, output: str) -> None:
    assert plan_one(client, big, output)["format"] == "webp"
    assert plan_one(client, big, output, encode={"format": "jpg"})["format"] == "jpeg"


def test_the_peak_is_less_with_reduced_decoding(client: TestClient, big: str, output: str) -> None:
    fast = plan_one(client, big, output, "resize=0.25")["peak_bytes"]
    exact = plan_one(client, big, output, "resize=0.25", fidelity="exact")["peak_bytes"]
    assert exact >= 1600 * 1200 * 3
    assert fast * 4 < exact


@pytest.mark.parametrize(
    ("source", "target", "operation", "slug"),
    [
        ("missing.jpg", "a.png", "flip", "source-not-found"),
        ("text.jpg", "a.png", "flip", "unsupported-format"),
        ("photo.jpg", "a.xyz", "flip", "encode-failed"),
        ("photo.jpg", "../../a.png", "flip", "path-refused"),
        ("../../../../etc/passwd", "a.png", "flip", "path-refused"),
        ("photo.jpg", "a.png", "crop=500,500,10,10", "step-failed"),
        ("photo.jpg", "", "split", "path-refused"),
        ("photo.jpg", ".", "split", "encode-failed"),
    ],
)
def test_the_error_is_the_one_that_the_batch_meets(
    client: TestClient, workspace: Path, source: str, target: str, operation: str, slug: str
) -> None:
    base = str(workspace / "out/plans")
    output = os.path.join(base, target) if target.endswith((".png", ".xyz")) else target
    pair = {"input": f"{workspace}/in/{source}", "output": output}
    more = {"encode": {"format": "png"}} if slug == "path-refused" else {}
    body = {"images": [pair], "operations": [operation], **more}
    (planned,) = plan(client, body)["plans"]
    (done,) = client.post("/v1/batches", json=body).json()["results"]
    assert planned["error"]["type"] == f"/problems/{slug}"
    assert planned["error"] == done["error"]
    assert (planned["steps"], planned["outputs"], planned["peak_bytes"]) == ([], [], None)


def test_one_bad_image_leaves_the_other_plans(client: TestClient, big: str, output: str) -> None:
    images = [{"input": name, "output": output} for name in (big, "missing.jpg", big)]
    plans = plan(client, {"images": images, "operations": ["resize=0.5"]})["plans"]
    assert [found["index"] for found in plans] == [0, 1, 2]
    assert [found["error"] is None for found in plans] == [True, False, True]


def test_skip_warns_for_all_and_for_one(client: TestClient, big: str, output: str) -> None:
    body = {
        "images": [{"input": big, "output": output}],
        "operations": ["nonsense", "crop=5000,0,10,10", "flip"],
        "on_invalid": "skip",
    }
    answer = plan(client, body)
    assert [warning["pointer"] for warning in answer["warnings"]] == ["/operations/0"]
    (found,) = answer["plans"]
    assert [warning["pointer"] for warning in found["warnings"]] == ["/operations/1"]
    assert [step["operation"] for step in found["steps"]] == [2]


def test_a_header_behind_much_metadata_is_found(
    client: TestClient, workspace: Path, big: str, output: str
) -> None:
    data = Path(big).read_bytes()
    comment = b"\xff\xfe\xff\xff" + b"x" * 65_533
    heavy = workspace / "in" / "heavy.jpg"
    heavy.write_bytes(data[:2] + comment * 8 + data[2:])
    found = plan_one(client, str(heavy), output)
    assert found["error"] is None
    assert found["source"]["width"] == 1600


@pytest.mark.parametrize("limit", ["images", "operations"])
def test_more_than_the_limit_is_refused(client: TestClient, limit: str) -> None:
    many = {"images": [{"input": "a", "output": "b"}] * 10_001, "operations": ["flip"] * 101}
    response = client.post(ADDRESS, json={"images": [], limit: many[limit]})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/{limit}"


def test_200_mutated_requests_never_end_in_an_internal_error(
    client: TestClient, workspace: Path, output: str
) -> None:
    good = {
        "images": [{"input": str(workspace / "in/photo.jpg"), "output": output}],
        "operations": ["resize=0.5", {"op": "crop", "x": 0, "y": 0, "width": 9, "height": 9}],
        "encode": {"quality": 80},
    }
    generator = random.Random(20240608)
    headers = {"Content-Type": "application/json"}
    for _ in range(200):
        text = mutated(good, generator)
        response = client.post(ADDRESS, content=text, headers=headers)
        assert response.status_code in (200, 400, 422), (text[:500], response.text)


def test_splits_of_splits_are_counted_while_they_are_made(
    client: TestClient, workspace: Path
) -> None:
    pair = {
        "input": str(workspace / "in" / "photo.png"),
        "output": str(workspace / "out" / "a.png"),
    }
    body = {"images": [pair], "operations": ["split=32,32", "split=3,3", "split=3,3"]}
    (plan,) = client.post("/v1/plan", json=body).json()["plans"]
    assert [fault["pointer"] for fault in plan["error"]["errors"]] == ["/operations/1"]


def test_a_plan_that_states_too_many_sizes_is_refused(client: TestClient, workspace: Path) -> None:
    pair = {
        "input": str(workspace / "in" / "photo.png"),
        "output": str(workspace / "out" / "a.png"),
    }
    body = {"images": [pair] * 10, "operations": ["split=32,32", *["flip"] * 20]}
    response = client.post("/v1/plan", json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == ["/images"]
