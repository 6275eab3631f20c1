"""Every error has one shape, a kind with an address, and a pointer where a field is at fault."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from processors.errors import ProcessorError, StepFailed
from schemas.problems import Problem
from service import handlers
from service.engine.base import EngineClosed, EngineError, WorkerCrashed
from service.environment import SettingsError
from service.errors import INTERNAL, KINDS, Kind, RequestError, kind_of
from service.problems import pointer, problem_of
from service.storage import StorageError
from service.store.base import StoreError

BASES: tuple[type[Exception], ...] = (
    ProcessorError,
    StorageError,
    EngineError,
    StoreError,
    RequestError,
)
KEYS = ["type", "title", "status", "detail", "errors"]


def leaves(base: type[Exception]) -> Iterator[type[Exception]]:
    """The classes below `base` of this project that have none below them: those that are raised."""
    below = [kind for kind in base.__subclasses__() if kind.__module__.split(".")[0] != "tests"]
    if not below:
        yield base
    for kind in below:
        yield from leaves(kind)


@pytest.mark.parametrize(
    "error", [error for base in BASES for error in leaves(base)], ids=lambda error: error.__name__
)
def test_every_exception_has_a_kind(error: type[Exception]) -> None:
    assert error in KINDS


def test_every_exception_that_is_defined_beside_them_is_looked_at() -> None:
    found = {error for base in BASES for error in leaves(base)}
    assert found >= set(KINDS)
    assert SettingsError not in KINDS  # it ends the start, no request


def test_each_kind_has_a_slug_of_its_own() -> None:
    kinds = {*KINDS.values(), INTERNAL}
    assert len({kind.slug for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(
    "kind", dict.fromkeys([*KINDS.values(), INTERNAL]), ids=lambda kind: kind.slug
)
def test_each_kind_is_an_error_that_says_what_to_do(kind: Kind) -> None:
    assert 400 <= kind.status < 600
    assert kind.title
    assert kind.advice.endswith(".")


@pytest.mark.parametrize(
    "kind", dict.fromkeys([*KINDS.values(), INTERNAL]), ids=lambda kind: kind.slug
)
def test_the_address_of_each_kind_describes_it(client: TestClient, kind: Kind) -> None:
    response = client.get(f"/problems/{kind.slug}")
    assert response.status_code == 200
    assert response.json() == {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "advice": kind.advice,
    }


def test_an_unknown_kind_lists_the_known_ones(client: TestClient) -> None:
    response = client.get("/problems/nonsense")
    assert response.status_code == 404
    assert "damaged-image" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/operations/nothing", 404),
        ("DELETE", "/v1/batches", 405),
        ("POST", "/v1/batches", 422),
        ("POST", "/v1/process", 400),
        ("POST", "/v1/process?format=x", 422),
        ("POST", "/items/", 422),
        ("GET", "/static-offline-docs/nothing.js", 404),
        ("GET", "/%00%ff", 404),
    ],
)
def test_one_shape_for_all(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert list(body) == KEYS
    assert body["status"] == status
    assert Problem.model_validate(body, strict=True)
    assert client.get(body["type"]).json()["title"] == body["title"]


def test_the_shape_in_full(client: TestClient) -> None:
    body = {"images": [], "operations": ["flip", {"op": "blur", "kernel_size": -1}]}
    assert client.post("/v1/batches", json=body).json() == {
        "type": "/problems/invalid-request",
        "title": "Invalid request",
        "status": 422,
        "detail": "/operations/1/kernel_size: Input should be greater than or equal to 0",
        "errors": [
            {
                "pointer": "/operations/1/kernel_size",
                "detail": "Input should be greater than or equal to 0",
            }
        ],
    }


def test_many_faults_are_all_listed_and_some_are_told(client: TestClient) -> None:
    body = {"images": [], "operations": ["nonsense"] * 7}
    problem = client.post("/v1/batches", json=body).json()
    assert len(problem["errors"]) == 7
    assert problem["detail"].endswith("and 4 more")


def test_a_method_that_is_not_allowed_names_those_that_are(client: TestClient) -> None:
    assert client.delete("/v1/batches").headers["Allow"] == "POST"


def test_a_head_request_has_no_body(client: TestClient) -> None:
    assert client.head("/nothing").status_code == 404


# ------------------------------------------------------------------------------- unexpected errors


@pytest.fixture
def broken() -> TestClient:
    """An application whose one route raises what the client names."""
    app = FastAPI()
    handlers.install(app)
    raised: dict[str, Exception] = {
        "unexpected": RuntimeError("the password is hunter2"),
        "closed": EngineClosed(),
        "crashed": WorkerCrashed(-9),
    }

    @app.get("/{name}")
    async def fail(name: str) -> None:
        raise raised[name]

    return TestClient(app, raise_server_exceptions=False)


def test_an_unexpected_error_tells_nothing_of_itself(broken: TestClient) -> None:
    response = broken.get("/unexpected")
    assert response.status_code == 500
    assert list(response.json()) == KEYS
    assert response.json()["type"] == "/problems/internal-error"
    assert "hunter2" not in response.text


def test_an_unexpected_error_is_logged_with_its_cause(
    broken: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    broken.get("/unexpected")
    (record,) = [record for record in caplog.records if record.name == "darkroom.http"]
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert "hunter2" in str(record.exc_info[1])


def test_shutting_down_says_when_to_try_again(broken: TestClient) -> None:
    response = broken.get("/closed")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_a_crashed_worker_is_told_with_its_signal(broken: TestClient) -> None:
    assert "signal 9" in broken.get("/crashed").json()["detail"]


# ------------------------------------------------------------------------------- parts


def test_a_subclass_has_the_kind_of_its_base() -> None:
    class Special(WorkerCrashed):
        """A crash of a kind that is not in the table."""

    assert kind_of(Special(1)) is KINDS[WorkerCrashed]


def test_a_foreign_error_is_internal() -> None:
    assert kind_of(KeyError("x")) is INTERNAL


@pytest.mark.parametrize(("step", "pointers"), [(3, ["/operations/3"]), (None, [])])
def test_a_failed_step_is_pointed_at(step: int | None, pointers: list[str]) -> None:
    problem = problem_of(StepFailed("crop", "does not fit", step))
    assert [fault.pointer for fault in problem.errors] == pointers


@pytest.mark.parametrize(
    ("location", "body", "expected"),
    [
        ((), {}, ""),
        (("a", 0, "b"), {"a": [{"b": 1}]}, "/a/0/b"),
        (("a", 0, "tag", "b"), {"a": [{"b": 1}]}, "/a/0/b"),
        (("a", 1), {"a": [1, None]}, "/a/1"),
        (("a", 5), {"a": [1]}, "/a"),
        (("a/b", "c~d"), {"a/b": {"c~d": 1}}, "/a~1b/c~0d"),
        (("a", "b"), None, ""),
        (("",), {"": 1}, "/"),
    ],
)
def test_pointers_follow_what_was_sent(
    location: tuple[str | int, ...], body: Any, expected: str
) -> None:
    assert pointer(location, body) == expected


def test_pointers_find_what_they_point_at() -> None:
    body = json.loads('{"operations": ["flip", {"op": "blur", "a/b": {"c~d": 5}}]}')
    found = body
    for part in pointer(("operations", 1, "blur", "a/b", "c~d"), body).split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert found == 5


def test_a_missing_key_is_pointed_at_where_it_belongs() -> None:
    assert pointer(("a", "b"), {"a": {}}, missing=True) == "/a/b"
    assert pointer(("a", "b"), {"a": "text"}, missing=True) == "/a"
