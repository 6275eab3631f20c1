"""`POST /v1/batches` with what is wrong, careless or hostile: a problem that points at it."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from schemas.batches import BatchResponse
from tests.service.batching import ADDRESS, JSON, files, refused
from tests.service.mutations import mutated


@pytest.fixture
def out(workspace: Path, tmp_path: Path) -> Path:
    """A folder of this test's own below the write root."""
    return workspace / "out" / "batches" / tmp_path.name


@pytest.fixture
def photo(workspace: Path) -> str:
    return str(workspace / "in/photo.jpg")


@pytest.mark.parametrize(
    ("operation", "at"),
    [
        ({"op": "blur", "kernel_size": -1}, "/operations/1/kernel_size"),
        ({"op": "blur", "kernel_size": "soft"}, "/operations/1/kernel_size"),
        ({"op": "gaussian_blur", "kernel_size": [1]}, "/operations/1/kernel_size"),
        ({"op": "crop", "x": 0, "y": 0, "width": 3}, "/operations/1/height"),
        ({"op": "rotate"}, "/operations/1/degrees"),
        ({"op": "resize", "factor": 0.5, "width": 3}, "/operations/1"),
        ({"op": "resize", "width": None, "height": {}}, "/operations/1/height"),
        ({"op": "blurr"}, "/operations/1"),
        ({"kernel_size": 3}, "/operations/1"),
        ({}, "/operations/1"),
        ("blur=-1", "/operations/1"),
        ("blur=1,2,3,4", "/operations/1"),
        ("crop=1", "/operations/1"),
        ("no_such_thing", "/operations/1"),
        ("", "/operations/1"),
        (None, "/operations/1"),
        (5, "/operations/1"),
        (["blur"], "/operations/1"),
    ],
    ids=str,
)
def test_a_bad_operation_is_pointed_at(
    client: TestClient, photo: str, out: Path, operation: Any, at: str
) -> None:
    images = [{"input": photo, "output": str(out / "a.png")}]
    body = {"images": images, "operations": ["flip", operation]}
    faults = refused(client.post(ADDRESS, json=body))
    assert {pointer for pointer, _ in faults} == {at}
    assert files(out) == set()


def test_a_text_operation_names_the_parameter(client: TestClient) -> None:
    body = {"images": [], "operations": ["flip", "blur=-1"]}
    ((_, detail),) = refused(client.post(ADDRESS, json=body))
    assert "kernel_size" in detail
    assert "greater than or equal to 0" in detail


def test_every_fault_of_a_request_is_named_at_once(client: TestClient) -> None:
    body = {
        "images": [{"output": "a.jpg"}],
        "operations": ["blurr", {"op": "blur", "kernel_size": -1, "sigma": 0}],
        "encode": {"quality": 200},
        "fidelity": "best",
    }
    pointers = {pointer for pointer, _ in refused(client.post(ADDRESS, json=body))}
    assert pointers == {
        "/images/0/input",
        "/operations/0",
        "/operations/1/kernel_size",
        "/operations/1/sigma",
        "/encode/quality",
        "/fidelity",
    }


@pytest.mark.parametrize(
    ("body", "at", "nearest"),
    [
        ({"image": []}, "/image", "images"),
        ({"operation": []}, "/operation", "operations"),
        ({"images": [{"input": "a", "output": "b", "outptu": "c"}]}, "/images/0/outptu", "output"),
        ({"encode": {"qualty": 80}}, "/encode/qualty", "quality"),
        ({"operations": [{"op": "blur", "kernelsize": 3}]}, "/operations/0/kernelsize", "kernel"),
        (
            {"operations": [{"op": "splitQuadrants", "colums": 3}]},
            "/operations/0/colums",
            "columns",
        ),
    ],
    ids=str,
)
def test_an_unknown_key_is_refused_with_the_nearest_name(
    client: TestClient, body: dict[str, Any], at: str, nearest: str
) -> None:
    faults = dict(refused(client.post(ADDRESS, json={"images": [], **body})))
    assert set(faults) == {at}
    assert f"did you mean '{nearest}" in faults[at]


def test_an_unknown_key_in_text_is_refused_with_the_nearest_name(client: TestClient) -> None:
    body = {"images": [], "operations": ["blur=kernelsize=3"]}
    ((pointer, detail),) = refused(client.post(ADDRESS, json=body))
    assert pointer == "/operations/0"
    assert "kernel_size" in detail


def test_an_unknown_operation_is_refused_with_the_nearest_name(client: TestClient) -> None:
    body = {"images": [], "operations": ["resise=0.5"]}
    assert refused(client.post(ADDRESS, json=body)) == [
        ("/operations/0", "there is no operation 'resise'; did you mean 'resize'?")
    ]


@pytest.mark.parametrize("field", ["images", "operations"])
def test_more_than_the_limit_is_refused(client: TestClient, photo: str, field: str) -> None:
    pair = {"input": photo, "output": "a.png"}
    many = {"images": [pair] * 10_001, "operations": ["flip"] * 101}
    ((pointer, detail),) = refused(client.post(ADDRESS, json={"images": [], field: many[field]}))
    assert pointer == f"/{field}"
    assert f"DARKROOM_MAX_{field.upper()}" in detail


def test_a_wrong_media_type_is_explained(client: TestClient) -> None:
    response = client.post(ADDRESS, content=b'{"images": []}', headers={"Content-Type": "text/x"})
    assert refused(response) == [("", "send a JSON object, with Content-Type: application/json")]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"text"', b"5", b"true"], ids=str)
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    assert len(refused(client.post(ADDRESS, content=body, headers=JSON))) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe\xfd", id="no text"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested lists"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="nested objects"),
        pytest.param(b'{"images": ' + b"9" * 10_000 + b"}", id="huge integer"),
    ],
)
def test_a_body_that_is_not_read_is_a_malformed_request(client: TestClient, body: bytes) -> None:
    response = client.post(ADDRESS, content=body, headers=JSON)
    refused(response, 400)
    assert response.json()["type"] == "/problems/malformed-request"
    assert "JSON" in response.json()["detail"]


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param('blur={"kernel_size": ' + "[" * 100_000, id="lists in text"),
        pytest.param("blur=" + "[" * 100_000 + "]" * 100_000, id="balanced lists in text"),
        pytest.param("blur=" + "9" * 10_000, id="huge integer in text"),
        pytest.param("blur=\ud800", id="lone surrogate in text"),
        pytest.param("\ud800=1", id="lone surrogate as name"),
        pytest.param({"op": "\ud800"}, id="lone surrogate as op"),
        pytest.param({"op": "blur", "\ud800": 1}, id="lone surrogate as key"),
        pytest.param({"op": "resize", "width": 10**400}, id="integer beyond floats"),
    ],
)
def test_hostile_operations_are_refused(client: TestClient, operation: Any) -> None:
    body = json.dumps({"images": [], "operations": [operation]})
    faults = refused(client.post(ADDRESS, content=body, headers=JSON))
    assert all(pointer.startswith("/operations/0") for pointer, _ in faults)
    assert all(len(detail) < 1000 for _, detail in faults)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_number_is_no_parameter(client: TestClient, number: str) -> None:
    body = f'{{"images": [], "operations": [{{"op": "resize", "factor": {number}}}]}}'
    faults = refused(client.post(ADDRESS, content=body, headers=JSON))
    assert [pointer for pointer, _ in faults] == ["/operations/0/factor"]


@pytest.mark.parametrize("operations", [[], ["split"]], ids=["one result", "several"])
@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(
    "path", ["x" * 4000 + ".png", "a/" * 2000 + "b.png", "", "\0", ".", "/", "//", "..", "~", "%00"]
)
def test_a_hostile_path_fails_its_image_alone(
    client: TestClient, photo: str, out: Path, side: str, path: str, operations: list[str]
) -> None:
    bad = {"input": photo, "output": str(out / "bad.png"), side: path}
    good = {"input": photo, "output": str(out / "good.png")}
    body = json.dumps({"images": [bad, good], "operations": operations})
    response = client.post(ADDRESS, content=body, headers=JSON)
    assert response.status_code == 200, response.text
    assert [result["status"] for result in response.json()["results"]] == ["failed", "succeeded"]
    assert not any(name.startswith("bad") for name in files(out))
    assert len(files(out)) == (4 if operations else 1)


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("path", ["\ud800.jpg", "a\udcffb/c.png"])
def test_a_path_that_is_no_unicode_is_refused(client: TestClient, side: str, path: str) -> None:
    images = [{"input": "a.png", "output": "b.png", side: path}]
    response = client.post(ADDRESS, content=json.dumps({"images": images}), headers=JSON)
    assert [at for at, _ in refused(response)] == [f"/images/0/{side}"]


def test_a_path_over_the_limit_is_refused(client: TestClient) -> None:
    body = {"images": [{"input": "x" * 4097, "output": "a.png"}]}
    assert [at for at, _ in refused(client.post(ADDRESS, json=body))] == ["/images/0/input"]


def test_500_mutated_requests_never_end_in_an_internal_error(
    client: TestClient, photo: str, out: Path
) -> None:
    good = {
        "images": [{"input": photo, "output": str(out / f"{name}.png")} for name in "ab"],
        "operations": ["resize=0.1", {"op": "blur", "kernel_size": 3, "sigma": 2.0}, "split=2,2"],
        "encode": {"format": "png", "quality": 80, "compression": 1},
        "fidelity": "fast",
        "on_invalid": "fail",
    }
    generator = random.Random(20240607)
    statuses: dict[int, int] = {}
    for _ in range(500):
        text = mutated(good, generator)
        response = client.post(ADDRESS, content=text, headers=JSON)
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        if response.status_code == 200:
            BatchResponse.model_validate_json(response.content)
        else:
            assert response.status_code in (400, 422), (text[:500], response.text)
            refused(response, response.status_code)
    assert statuses[200] > 20
    assert statuses[422] > 200


def test_a_hundred_faults_are_told_and_the_others_counted(client: TestClient) -> None:
    response = client.post("/v1/batches", json={"images": [{}] * 300, "operations": []})
    problem = response.json()
    assert len(problem["errors"]) == 100
    assert problem["detail"].endswith("and 297 more")


@pytest.mark.parametrize("on_invalid", ["fail", "skip"])
def test_more_operations_than_any_setting_allows_are_not_looked_at(
    client: TestClient, on_invalid: str
) -> None:
    body = {"images": [], "operations": ["nothing"] * 1001, "on_invalid": on_invalid}
    (fault,) = client.post("/v1/batches", json=body).json()["errors"]
    assert fault["pointer"] == "/operations"
