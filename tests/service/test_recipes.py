"""Recipes: stored pipelines, and requests that name them."""

import pytest
from fastapi.testclient import TestClient

from tests.service.storing import folder_of, jpeg
from tests.service.uploading import decoded, good, refused

BODY = {"operations": ["resize=40x30", "grayscale"], "encode": {"quality": 50}}


def put(client: TestClient, name: str, body: object = BODY) -> dict[str, object]:
    found: dict[str, object] = good(client.put(f"/v1/recipes/{name}", json=body)).json()
    return found


def test_a_recipe_is_stored_and_found(stored: TestClient) -> None:
    made = put(stored, "found")
    assert (made["name"], made["version"], made["operations"]) == ("found", 1, BODY["operations"])
    assert good(stored.get("/v1/recipes/found")).json() == made
    assert made in good(stored.get("/v1/recipes")).json()


def test_a_change_makes_a_version_and_the_first_stays(stored: TestClient) -> None:
    first = put(stored, "changed")
    assert put(stored, "changed") == first
    assert put(stored, "changed", {"operations": ["invert"]})["version"] == 2
    assert good(stored.get("/v1/recipes/changed?version=1")).json() == first


def test_a_recipe_that_is_wrong_is_refused_where_it_is_wrong(stored: TestClient) -> None:
    body = {"operations": ["resize=0.5", "no_such_thing"]}
    faults = refused(stored.put("/v1/recipes/wrong", json=body), 422, "invalid-request")
    assert list(faults) == ["/operations/1"]
    refused(stored.get("/v1/recipes/wrong"), 404, "not-stored")


def test_a_name_that_cannot_be_kept_is_refused(stored: TestClient) -> None:
    refused(stored.put("/v1/recipes/a@2", json=BODY), 422, "name-refused")


def test_a_recipe_that_is_removed_is_gone(stored: TestClient) -> None:
    put(stored, "removed")
    assert stored.delete("/v1/recipes/removed").status_code == 204
    refused(stored.get("/v1/recipes/removed"), 404, "not-stored")
    refused(stored.delete("/v1/recipes/removed"), 404, "not-stored")


def test_process_takes_a_recipe(stored: TestClient) -> None:
    put(stored, "processed")
    answer = good(stored.post("/v1/process?recipe=processed", content=jpeg()))
    assert decoded(answer.content).shape == (30, 40)


def test_process_takes_a_recipe_in_a_form(stored: TestClient) -> None:
    put(stored, "formed")
    files = {"file": ("a.jpg", jpeg())}
    answer = good(stored.post("/v1/process", files=files, data={"recipe": "formed"}))
    assert decoded(answer.content).shape == (30, 40)


def test_an_earlier_version_can_be_named(stored: TestClient) -> None:
    put(stored, "versions")
    put(stored, "versions", {"operations": ["resize=20x10"]})
    for name, shape in (("versions", (10, 20, 3)), ("versions@1", (30, 40))):
        answer = good(stored.post(f"/v1/process?recipe={name}", content=jpeg()))
        assert decoded(answer.content).shape == shape


def test_what_the_request_says_goes_before_the_recipe(stored: TestClient) -> None:
    put(stored, "before", {"operations": [], "encode": {"format": "png", "quality": 5}})
    plain = good(stored.post("/v1/process?recipe=before", content=jpeg()))
    assert plain.headers["content-type"] == "image/png"
    other = good(stored.post("/v1/process?recipe=before&format=webp", content=jpeg()))
    assert other.headers["content-type"] == "image/webp"
    better = good(stored.post("/v1/process?recipe=before&format=webp&quality=90", content=jpeg()))
    assert len(better.content) > len(other.content)


def batch(client: TestClient, **more: object) -> dict[str, object]:
    folder = folder_of(client)
    (folder / "in.jpg").write_bytes(jpeg())
    images = [{"input": str(folder / "in.jpg"), "output": str(folder / "out/made.jpg")}]
    return {"images": images, **more}


def test_a_batch_takes_a_recipe(stored: TestClient) -> None:
    put(stored, "batched")
    answer = good(stored.post("/v1/batches", json=batch(stored, recipe="batched"))).json()
    (output,) = answer["results"][0]["outputs"]
    assert (output["width"], output["height"]) == (40, 30)


def test_a_plan_takes_a_recipe(stored: TestClient) -> None:
    put(stored, "planned", {"operations": ["resize=40x30", "invert"]})
    answer = good(stored.post("/v1/plan", json=batch(stored, recipe="planned"))).json()
    assert answer["plans"][0]["steps"][-1]["sizes"] == [[40, 30]]


@pytest.mark.parametrize("address", ["/v1/batches", "/v1/plan"])
def test_a_recipe_that_is_not_there_is_named(stored: TestClient, address: str) -> None:
    answer = stored.post(address, json=batch(stored, recipe="never"))
    refused(answer, 404, "not-stored")
    assert "'never'" in answer.json()["detail"]


def test_a_version_that_is_no_number_is_refused(stored: TestClient) -> None:
    answer = stored.post("/v1/batches", json=batch(stored, recipe="a@b"))
    assert list(refused(answer, 422, "invalid-request")) == ["/recipe"]


def test_a_recipe_and_operations_are_not_both_given(stored: TestClient) -> None:
    both = batch(stored, recipe="batched", operations=["invert"])
    refused(stored.post("/v1/batches", json=both), 422, "invalid-request")
