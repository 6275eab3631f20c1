"""What every store keeps to with what it knows of outputs."""

from collections.abc import Iterator

import pytest

from service.store.base import OutputStore
from service.store.outputs import OutputRecord
from tests.stores import KINDS, run, store_of, url_of

PATHS = ["/out/a.jpg", "/out/é 中 $where.x.png", "/out/" + 1000 * "n"]


@pytest.fixture(scope="module", params=KINDS)
def outputs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OutputStore]:
    opened = store_of(url_of(request.param, tmp_path_factory.mktemp("outputs"), request))
    yield opened.outputs
    run(opened.close())


@pytest.fixture(autouse=True)
def empty(outputs: OutputStore) -> None:
    run(outputs.expire(1 << 62))


def record(path: str, digest: str = "d", used_at: int = 5) -> OutputRecord:
    return OutputRecord(path, digest, '[[{"path": "x"}, 7]]', used_at)


def found(outputs: OutputStore, *paths: str) -> list[OutputRecord]:
    return sorted(run(outputs.known(paths)), key=lambda one: one.path)


def test_records_come_back_as_they_were_put(outputs: OutputStore) -> None:
    records = [record(path) for path in PATHS]
    run(outputs.put(records))
    assert found(outputs, *PATHS, "/out/other") == sorted(records, key=lambda one: one.path)


def test_what_is_not_known_is_left_out(outputs: OutputStore) -> None:
    assert found(outputs) == []
    assert found(outputs, *PATHS) == []


def test_a_record_takes_the_place_of_the_one_before(outputs: OutputStore) -> None:
    run(outputs.put([record(PATHS[0])]))
    run(outputs.put([record(PATHS[0], "other", 9), record(PATHS[1])]))
    assert found(outputs, PATHS[0]) == [record(PATHS[0], "other", 9)]


def test_a_thousand_are_put_and_found_at_once(outputs: OutputStore) -> None:
    records = [record(f"/out/{n:04}.jpg") for n in range(1000)]
    run(outputs.put(records))
    assert found(outputs, *(one.path for one in records)) == records


def test_nothing_is_put_at_no_cost(outputs: OutputStore) -> None:
    run(outputs.put([]))
    assert found(outputs, *PATHS) == []


def test_what_was_not_used_for_long_is_forgotten(outputs: OutputStore) -> None:
    run(outputs.put([record(path, used_at=at) for at, path in enumerate(PATHS)]))
    assert run(outputs.expire(2)) == 2
    assert [one.path for one in found(outputs, *PATHS)] == [PATHS[2]]
