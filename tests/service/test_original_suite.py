"""The tests of the original batch server's users, run the way they ran: `from main import app`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.live import ROOT
from tests.service import plain

INPUT, OUTPUT = "testimages", "testoutput"
SIZES = {"cyclo1": (1024, 754), "cyclo2": None, "cyclo3": (1024, 1024), "cyclo4": (512, 512)}


@pytest.fixture
def client(
    repository_client: TestClient, repository_outputs: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A client in the root of the repository, which is as it was afterwards."""
    monkeypatch.chdir(ROOT)
    existed = Path(OUTPUT).exists()
    yield repository_client
    for number in range(1, 7):
        shutil.rmtree(f"{OUTPUT}/test{number}", ignore_errors=True)
    if not existed:
        shutil.rmtree(OUTPUT, ignore_errors=True)


def send(client: TestClient, test: str, names: list[str], operations: list[str]) -> None:
    folder = f"{OUTPUT}/{test}"
    body = {
        "images": [
            {"input": f"{INPUT}/{Path(name).stem}.jpg", "output": f"{folder}/{name}"}
            for name in names
        ],
        "operations": operations,
    }
    response = client.post("/items/", json=body)
    assert response.status_code == 200
    assert response.json() == body


def made(test: str) -> set[str]:
    return {path.name for path in Path(OUTPUT, test).iterdir()}


def size(path: str) -> tuple[int, int]:
    height, width = plain.load(f"{OUTPUT}/{path}").shape[:2]
    return width, height


def test_the_docs_example_comes_back(client: TestClient) -> None:
    body = {"images": [], "operations": ["string"]}
    response = client.post("/items/", json=body)
    assert (response.status_code, response.json()) == (200, body)


def test_the_sample_images_have_the_sizes_that_users_know() -> None:
    for name, expected in SIZES.items():
        height, width = plain.load(ROOT / INPUT / f"{name}.jpg").shape[:2]
        assert expected in (None, (width, height))


def test_resizing(client: TestClient) -> None:
    send(client, "test1", ["cyclo1.jpg"], ["resize=0.5"])
    assert made("test1") == {"cyclo1.jpg"}
    assert size("test1/cyclo1.jpg") == (512, 377)


def test_splitting(client: TestClient) -> None:
    send(client, "test2", ["cyclo4.jpg"], ["splitQuadrants=True"])
    assert made("test2") == {f"cyclo4_{number}.jpg" for number in range(1, 5)}
    assert size("test2/cyclo4_3.jpg") == (256, 256)


def test_blurring(client: TestClient, tmp_path: Path) -> None:
    send(client, "test3", ["cyclo3.jpg"], ["blur=25"])
    (expected,) = plain.results(Path(INPUT, "cyclo3.jpg"), [plain.blur(25)])
    plain.assert_same_file(Path(OUTPUT, "test3", "cyclo3.jpg"), expected, tmp_path)


def test_all_four_images_to_two_formats(client: TestClient) -> None:
    names = ["cyclo1.jpg", "cyclo2.PNG", "cyclo3.jpg", "cyclo4.PNG"]
    operations = ["splitQuadrants=True", "resize=2", "splitQuadrants=True", "resize=2"]
    send(client, "test4", names, operations)
    assert made("test4") == {
        f"{Path(name).stem}_{number}{Path(name).suffix}"
        for name in names
        for number in range(1, 17)
    }
    assert size("test4/cyclo4_16.PNG") == (512, 512)


def test_wrong_values_leave_the_image_as_it_is(client: TestClient, tmp_path: Path) -> None:
    send(client, "test5", ["cyclo4.PNG"], ["resize=0.01", "resize=100", "blur=-1", "split=None"])
    (expected,) = plain.results(Path(INPUT, "cyclo4.jpg"), [])
    plain.assert_same_file(Path(OUTPUT, "test5", "cyclo4.PNG"), expected, tmp_path)


def test_many_requests_in_a_row(client: TestClient) -> None:
    for number in range(30):
        send(client, "test6", [f"cyclo4.{'jpg' if number % 2 else 'png'}"], ["resize=0.1"])
    assert made("test6") == {"cyclo4.jpg", "cyclo4.png"}


def test_a_client_made_anew_for_each_request(client: TestClient) -> None:
    for _ in range(3):
        with_new_loop = TestClient(client.app)
        assert with_new_loop.post("/items/", json={"images": []}).json() == {"images": []}
