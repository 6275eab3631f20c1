"""Collections: many files in, small images alike, each name once."""

import base64
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.samples import photograph
from tests.service.storing import jpeg
from tests.service.uploading import decoded, good, refused


def add(client: TestClient, collection: str, *files: tuple[str, bytes]) -> httpx2.Response:
    parts = [("files", file) for file in files]
    return client.post(f"/v1/collections/{collection}/images", files=parts)


def added(client: TestClient, collection: str, *files: tuple[str, bytes]) -> dict[str, Any]:
    response = add(client, collection, *files)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def test_files_become_small_gray_jpegs(stored: TestClient) -> None:
    answer = added(stored, "small", ("a.jpg", jpeg()), ("b.png", jpeg(33, 44)))
    assert answer == {
        "collection": "small",
        "inserted": ["a.jpg", "b.png"],
        "existing": [],
        "failed": [],
    }
    image = good(stored.get("/v1/collections/small/images/a.jpg")).json()
    data = base64.b64decode(image["image_base64"])
    assert (image["width"], image["height"], image["bytes"]) == (80, 90, len(data))
    assert data[:2] == b"\xff\xd8"
    assert decoded(data).shape == (90, 80)


def test_the_pixels_are_those_of_process(stored: TestClient) -> None:
    added(stored, "alike", ("a.jpg", jpeg()))
    query = "?operations=resize=80x90&operations=grayscale&format=jpeg"
    expected = good(stored.post(f"/v1/process{query}", content=jpeg())).content
    answer = good(stored.get("/v1/collections/alike/images/a.jpg/content"))
    assert (answer.content, answer.headers["content-type"]) == (expected, "image/jpeg")


def test_a_name_that_is_there_is_left_alone(stored: TestClient) -> None:
    added(stored, "once", ("a.jpg", jpeg()))
    before = stored.get("/v1/collections/once/images/a.jpg").json()
    answer = added(stored, "once", ("a.jpg", jpeg(50, 50)), ("b.jpg", jpeg()))
    assert (answer["inserted"], answer["existing"]) == (["b.jpg"], ["a.jpg"])
    assert stored.get("/v1/collections/once/images/a.jpg").json() == before


def test_a_name_that_comes_twice_in_a_request_is_inserted_once(stored: TestClient) -> None:
    answer = added(stored, "twice", ("a.jpg", jpeg()), ("a.jpg", jpeg(50, 50)))
    assert (answer["inserted"], answer["existing"]) == (["a.jpg"], ["a.jpg"])


def test_a_bad_file_fails_alone(stored: TestClient) -> None:
    files = ("good.jpg", jpeg()), ("bad.jpg", jpeg()[:900]), ("text.jpg", b"text")
    answer = added(stored, "some", *files)
    assert answer["inserted"] == ["good.jpg"]
    found = {one["name"]: one["error"]["type"] for one in answer["failed"]}
    assert found == {
        "bad.jpg": "/problems/damaged-image",
        "text.jpg": "/problems/unsupported-format",
    }


@pytest.mark.parametrize("name", ["", "..", "x" * 300])
def test_a_file_whose_name_cannot_be_kept_fails_alone(stored: TestClient, name: str) -> None:
    answer = added(stored, "named", (name or "\\", jpeg()), ("good.jpg", jpeg()))
    assert [one["error"]["type"] for one in answer["failed"]] == ["/problems/name-refused"]


def test_a_request_without_files_is_refused(stored: TestClient) -> None:
    answer = stored.post("/v1/collections/empty/images", files={"file": ("a.jpg", jpeg())})
    assert list(refused(answer, 422, "invalid-request")) == ["/files"]
    refused(stored.get("/v1/collections/empty/images"), 404, "not-stored")


@pytest.mark.parametrize("name", ["system.x", "a$b", "%00", "darkroom_images", "x" * 1000])
def test_a_name_that_attacks_is_refused(stored: TestClient, name: str) -> None:
    refused(add(stored, name, ("a.jpg", jpeg())), 422, "name-refused")


def test_names_of_all_scripts_are_kept(stored: TestClient) -> None:
    name = "Fahrräder 🚲\u200f"
    added(stored, name, (name, jpeg()))
    assert name in [one["name"] for one in stored.get("/v1/collections").json()]
    assert stored.get(f"/v1/collections/{name}/images/{name}").json()["name"] == name


def test_inserts_at_once_insert_each_name_once(stored: TestClient) -> None:
    files = [(f"{n}.jpg", jpeg(20 + n, 20)) for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: added(stored, "rush", *files), range(6)))
    inserted = [name for answer in answers for name in answer["inserted"]]
    assert sorted(inserted) == [name for name, _ in files]
    assert stored.get("/v1/collections/rush/images").json()["total"] == 6


# --- the pipeline of a collection --------------------------------------------------------------


def test_a_collection_can_have_a_pipeline_of_its_own(stored: TestClient) -> None:
    body = {"operations": ["resize=32x24"], "encode": {"format": "png"}}
    made = good(stored.put("/v1/collections/own", json=body)).json()
    assert made["pipeline"] == body
    added(stored, "own", ("a.jpg", jpeg()))
    data = stored.get("/v1/collections/own/images/a.jpg/content").content
    assert (data[1:4], decoded(data).shape) == (b"PNG", (24, 32, 3))


def test_another_pipeline_for_a_collection_is_a_conflict(stored: TestClient) -> None:
    good(stored.put("/v1/collections/kept", json={}))
    answer = stored.put("/v1/collections/kept", json={"operations": ["invert"]})
    refused(answer, 409, "stored-otherwise")


def test_a_wrong_pipeline_is_refused_where_it_is_wrong(stored: TestClient) -> None:
    answer = stored.put("/v1/collections/wrong", json={"operations": ["no_such_thing"]})
    assert list(refused(answer, 422, "invalid-request")) == ["/operations/0"]


def test_a_pipeline_that_splits_is_refused(stored: TestClient) -> None:
    answer = stored.put("/v1/collections/parts", json={"operations": ["invert", "split"]})
    assert list(refused(answer, 422, "invalid-request")) == ["/operations/1"]


def test_who_has_an_image_already_gets_no_body(stored: TestClient) -> None:
    added(stored, "tagged", ("a.jpg", jpeg()))
    address = "/v1/collections/tagged/images/a.jpg/content"
    tag = good(stored.get(address)).headers["etag"]
    answer = stored.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


# --- reading -----------------------------------------------------------------------------------


def test_pages_go_through_all_names(stored: TestClient) -> None:
    names = [f"{n}.jpg" for n in range(5)]
    added(stored, "paged", *((name, jpeg(20, 20)) for name in names))
    found: list[str] = []
    query = "?limit=2"
    while query:
        page = good(stored.get(f"/v1/collections/paged/images{query}")).json()
        found += [image["name"] for image in page["images"]]
        query = f"?limit=2&cursor={page['next']}" if page["next"] else ""
    assert (found, page["total"]) == (names, 5)


def test_an_image_and_a_collection_can_be_removed(stored: TestClient) -> None:
    added(stored, "gone", ("a.jpg", jpeg()), ("b.jpg", jpeg()))
    assert stored.delete("/v1/collections/gone/images/a.jpg").status_code == 204
    refused(stored.get("/v1/collections/gone/images/a.jpg"), 404, "not-stored")
    assert stored.delete("/v1/collections/gone").status_code == 204
    refused(stored.get("/v1/collections/gone/images"), 404, "not-stored")


def test_an_export_as_zip_holds_the_files(stored: TestClient) -> None:
    added(stored, "zipped", ("a.jpg", jpeg()), ("é 🚲.jpg", jpeg(50, 50)))
    answer = good(stored.get("/v1/collections/zipped/export.zip"))
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.jpg", "é 🚲.jpg"]
        content = stored.get("/v1/collections/zipped/images/a.jpg/content").content
        assert archive.read("a.jpg") == content


def test_an_export_as_arrays_holds_the_pixels_in_the_order_of_the_names(
    stored: TestClient,
) -> None:
    added(stored, "arrays", *((f"{n:03}.jpg", jpeg(20 + n, 30)) for n in range(300)))
    answer = good(stored.get("/v1/collections/arrays/export.npz"))
    with np.load(BytesIO(answer.content), allow_pickle=False) as arrays:
        images, names = arrays["images"], arrays["names"]
    assert (images.shape, images.dtype) == ((300, 90, 80), np.uint8)
    assert list(names) == [f"{n:03}.jpg" for n in range(300)]
    content = stored.get("/v1/collections/arrays/images/123.jpg/content").content
    np.testing.assert_array_equal(images[123], decoded(content))


def test_arrays_of_an_empty_collection_are_empty(stored: TestClient) -> None:
    good(stored.put("/v1/collections/nothing", json={}))
    answer = good(stored.get("/v1/collections/nothing/export.npz"))
    with np.load(BytesIO(answer.content)) as arrays:
        assert (arrays["images"].shape, arrays["names"].shape) == ((0, 90, 80), (0,))


def test_arrays_of_several_shapes_are_refused(stored: TestClient) -> None:
    good(stored.put("/v1/collections/mixed", json={"operations": []}))
    added(stored, "mixed", ("a.jpg", jpeg(20, 20)), ("b.jpg", jpeg(30, 20)))
    refused(stored.get("/v1/collections/mixed/export.npz"), 422, "invalid-request")


@pytest.mark.parametrize("kind", ["zip", "npz"])
def test_an_export_of_nothing_is_missing(stored: TestClient, kind: str) -> None:
    refused(stored.get(f"/v1/collections/never/export.{kind}"), 404, "not-stored")


def test_sixteen_bits_can_be_exported(stored: TestClient) -> None:
    good(stored.put("/v1/collections/deep", json={"operations": [], "encode": {"format": "png"}}))
    deep = photograph(12, 10, 1, 16)
    added(stored, "deep", ("a.png", cv2.imencode(".png", deep)[1].tobytes()))
    answer = good(stored.get("/v1/collections/deep/export.npz"))
    with np.load(BytesIO(answer.content)) as arrays:
        np.testing.assert_array_equal(arrays["images"][0], deep)
