"""What is sent to the library, the collections and the recipes to break them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.service.storing import jpeg
from tests.service.uploading import good, refused

PICTURE = jpeg(40, 30)
PART = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
ODD = [
    "%2e%2e",
    "%00",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%ff",
    "%ed%a0%80",
    "a%0d%0ab",
    "x" * 3000,
]
ADDRESSES = [
    "/v1/images/{}",
    "/v1/images/{}/content",
    "/v1/images/{}/similar",
    "/v1/collections/{}",
    "/v1/collections/{}/images",
    "/v1/collections/{}/images/{}",
    "/v1/collections/{}/images/{}/content",
    "/v1/collections/{}/export.zip",
    "/v1/collections/{}/export.npz",
    "/v1/recipes/{}",
]


def assert_refused(answer: httpx2.Response) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:20])
def test_an_odd_name_is_not_found_or_refused(stored: TestClient, odd: str) -> None:
    for method, address in product(("GET", "DELETE"), ADDRESSES):
        assert_refused(stored.request(method, address.format(odd, odd)))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_not_allowed(stored: TestClient, method: str) -> None:
    for address in ADDRESSES:
        assert stored.request(method, address.format("a", "b")).status_code == 405


def form(body: bytes, kind: str = "multipart/form-data; boundary=x") -> dict[str, object]:
    return {"content": body, "headers": {"Content-Type": kind}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--\r\n",
        b"--x\r\n",
        b"--x\r\n\r\n\r\n--x--",
        PART % (b"a.jpg", PICTURE),
        PART % (b"a.jpg", PICTURE) + b'--x\r\nContent-Disposition: form-data; name="files"; fil',
        PART % (b"", b"") + b"--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--x--\r\n',
    ],
    ids=range(8),
)
def test_a_form_that_is_none_or_ends_early_inserts_nothing(stored: TestClient, body: bytes) -> None:
    assert_refused(stored.post("/v1/collections/early/images", **form(body)))  # type: ignore[arg-type]
    one = body.replace(b'"files"', b'"file"')
    assert_refused(stored.post("/v1/images", **form(one)))  # type: ignore[arg-type]
    refused(stored.get("/v1/collections/early/images"), 404, "not-stored")
    assert good(stored.get("/v1/images")).json()["total"] == 0


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
        f"multipart/form-data; boundary={'x' * 500}",
    ],
)
def test_another_content_type_is_refused(stored: TestClient, kind: str) -> None:
    body = PART % (b"a.jpg", PICTURE) + b"--x--\r\n"
    assert_refused(stored.post("/v1/collections/kinds/images", **form(body, kind)))  # type: ignore[arg-type]


def test_more_files_than_a_request_may_have_are_refused(stored: TestClient) -> None:
    files = [("files", (f"{number}.jpg", b"x")) for number in range(1001)]
    assert_refused(stored.post("/v1/collections/many/images", files=files))


@pytest.mark.parametrize("part", ["collections", "recipes"])
def test_more_operations_than_a_pipeline_may_have_are_refused(
    stored: TestClient, part: str
) -> None:
    body = {"operations": ["invert"] * 1000}
    faults = refused(stored.put(f"/v1/{part}/long", json=body), 422, "invalid-request")
    assert list(faults) == ["/operations"]


def test_a_recipe_names_no_other(stored: TestClient) -> None:
    assert_refused(stored.put("/v1/recipes/self", json={"recipe": "self"}))
    assert_refused(stored.put("/v1/recipes/self", json={"operations": [{"recipe": "self"}]}))


def test_a_collection_may_be_removed_while_it_is_filled_and_exported(stored: TestClient) -> None:
    def ask(number: int) -> int:
        address = "/v1/collections/rush"
        files = [("files", (f"{number}.jpg", PICTURE))]
        if number % 4 == 0:
            return stored.delete(address).status_code
        if number % 4 == 1:
            return stored.get(f"{address}/export.npz").status_code
        return stored.post(f"{address}/images", files=files).status_code

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(ask, range(60))) <= {200, 201, 204, 404}
