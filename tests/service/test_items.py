"""`POST /items/`: each sentence of what the original batch server's users rely on."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import httpx2
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.samples import photograph
from tests.service import plain
from tests.service.asking import ask, made


@pytest.fixture
def out(workspace: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of this test's own, not yet there."""
    return workspace / "out" / "items" / f"{abs(hash(request.node.nodeid)):x}"


# ------------------------------------------------------------------------------- the answer


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"images": []},
        {"operations": None},
        {"images": [], "operations": ["string"]},
        {"operations": ["resize=0.5", "resize=9000", "nonsense=1", "", "="], "images": []},
        {"images": [], "operations": [], "comment": "grün", "nested": {"b": [1.50, None], "a": 2}},
        {"images": [{}, {"input": "x"}, {"input": 1, "output": None, "more": True}]},
    ],
    ids=str,
)
def test_the_answer_is_the_request(client: TestClient, body: dict[str, Any]) -> None:
    response = client.post("/items/", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert json.dumps(response.json()) == json.dumps(body)  # the order of the keys, too


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud800"}', '{"a": 1e999}', '{"a": NaN}', '{"a": 12345678901234567890.5}']
)
def test_odd_values_come_back_as_they_were_sent(client: TestClient, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/items/", content=text, headers=headers)
    assert (response.status_code, response.text) == (200, text)


def test_a_body_that_cannot_be_read_is_a_problem(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/items/", content='{"images": [', headers=headers)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


# ------------------------------------------------------------------------------- files


def test_the_file_is_there_when_the_answer_is(
    client: TestClient, workspace: Path, out: Path
) -> None:
    ask(client, workspace / "in/photo.jpg", out / "photo.jpg", ["resize=0.5"])
    assert made(out) == {"photo.jpg"}


def test_missing_folders_are_made_with_their_parents(
    client: TestClient, workspace: Path, out: Path
) -> None:
    ask(client, workspace / "in/photo.jpg", out / "a" / "b" / "c" / "photo.jpg", [])
    assert made(out / "a" / "b" / "c") == {"photo.jpg"}


@pytest.mark.parametrize(
    "bad", ["missing.jpg", "truncated.jpg", "text.jpg", "", "../../etc/passwd"]
)
def test_a_bad_input_is_skipped_and_the_others_are_processed(
    client: TestClient, workspace: Path, out: Path, bad: str
) -> None:
    body = {
        "images": [
            {"input": str(workspace / "in/photo.jpg"), "output": str(out / "first.jpg")},
            {"input": str(workspace / "in" / bad), "output": str(out / "bad.jpg")},
            {"input": str(workspace / "in/photo.png"), "output": str(out / "last.jpg")},
        ],
        "operations": ["resize=0.5"],
    }
    response = client.post("/items/", json=body)
    assert response.status_code == 200
    assert response.json() == body
    assert made(out) == {"first.jpg", "last.jpg"}
    assert response.headers["Darkroom-Skipped"] == "1"


@pytest.mark.parametrize(
    ("name", "magic"),
    [
        ("a.PNG", b"\x89PNG"),
        ("a.JPG", b"\xff\xd8\xff"),
        ("a.Jpeg", b"\xff\xd8\xff"),
        ("a.BMP", b"BM"),
        ("a.webp", b"RIFF"),
        ("a.TiF", b"II*\0"),
    ],
)
def test_the_extension_decides_the_format(
    client: TestClient, workspace: Path, out: Path, name: str, magic: bytes
) -> None:
    ask(client, workspace / "in/photo.jpg", out / name, None)
    assert (out / name).read_bytes().startswith(magic)


def test_several_results_are_numbered_beside_the_output(
    client: TestClient, workspace: Path, out: Path
) -> None:
    ask(client, workspace / "in/photo.jpg", out / "a.b.PNG", ["splitQuadrants=True"])
    assert made(out) == {f"a.b_{number}.PNG" for number in range(1, 5)}


# ------------------------------------------------------------------------------- what is skipped


@pytest.mark.parametrize(
    ("factor", "size"),
    [
        ("0.05", (2, 1)),
        ("0.0499", (40, 20)),
        ("0", (40, 20)),
        ("-1", (40, 20)),
        ("100", (40, 20)),
        ("100.0", (40, 20)),
        ("1e999", (40, 20)),
        ("nan", (40, 20)),
        ("half", (40, 20)),
        ("", (40, 20)),
    ],
)
def test_the_bounds_of_resize(
    client: TestClient, workspace: Path, out: Path, factor: str, size: tuple[int, int]
) -> None:
    source = workspace / "in" / "forty.png"
    cv2.imwrite(str(source), photograph(40, 20))
    response = ask(client, source, out / "a.png", [f"resize={factor}"])
    height, width = plain.load(out / "a.png").shape[:2]
    assert (width, height) == size
    assert response.headers["Darkroom-Skipped"] == ("0" if factor == "0.05" else "1")


def test_resize_just_below_its_upper_bound(client: TestClient, workspace: Path, out: Path) -> None:
    source = workspace / "in" / "three.png"
    cv2.imwrite(str(source), photograph(3, 2))
    ask(client, source, out / "a.png", ["resize=99.99"])
    assert plain.load(out / "a.png").shape == (199, 299, 3)


def test_a_resize_that_leaves_no_pixel_is_skipped_and_counted(
    client: TestClient, workspace: Path, out: Path
) -> None:
    source = workspace / "in" / "nineteen.png"
    cv2.imwrite(str(source), photograph(19, 40))
    response = ask(client, source, out / "a.png", ["resize=0.05"])
    assert plain.load(out / "a.png").shape == (40, 19, 3)
    assert response.headers["Darkroom-Skipped"] == "1"


@pytest.mark.parametrize("word", ["split", "splitQuadrants"])
@pytest.mark.parametrize(
    ("value", "parts"),
    [
        *((value, 1) for value in ("None", "none", "false", "False")),
        *((value, 4) for value in ("True", "true", "banana", "0", "1", "no", "FALSE", "NONE")),
    ],
)
def test_any_value_splits_save_four(
    client: TestClient, workspace: Path, out: Path, word: str, value: str, parts: int
) -> None:
    ask(client, workspace / "in/photo.png", out / "a.png", [f"{word}={value}"])
    assert len(made(out)) == parts


@pytest.mark.parametrize(
    "operation",
    [
        *("blur=-1", "blur=-3", "blur=soft", "blur=", "blur", "resize", "split", "splitQuadrants"),
        *(
            "string",
            "",
            "=",
            "=5",
            "no_such_thing=3",
            "resize=0.5=2",
            "resize=1,2,3,4,5,6,7",
            "blur={",
        ),
        *("{}", "resize={}", 'blur={"kernel_size": []}', "RESIZE=0.5", "x" * 10_000),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_wrong_is_skipped(
    client: TestClient, workspace: Path, out: Path, tmp_path: Path, operation: str
) -> None:
    source = workspace / "in/photo.png"
    response = ask(client, source, out / "a.png", ["resize=0.5", operation, "blur=3"])
    (expected,) = plain.results(source, [plain.resize(0.5), plain.blur(3)])
    plain.assert_same_file(out / "a.png", expected, tmp_path)
    assert response.headers["Darkroom-Skipped"] == "1"


def test_the_header_counts_operations_and_images(
    client: TestClient, workspace: Path, out: Path
) -> None:
    body = {
        "images": [
            {"input": str(workspace / "in/missing.jpg"), "output": str(out / "a.jpg")},
            {"input": str(workspace / "in/photo.jpg")},
            {"input": str(workspace / "in/photo.jpg"), "output": str(out / "b.jpg")},
        ],
        "operations": ["string", "resize=0.5", "blur=-1"],
    }
    response = client.post("/items/", json=body)
    assert response.headers["Darkroom-Skipped"] == "4"
    assert made(out) == {"b.jpg"}


def test_nothing_skipped_is_said_too(client: TestClient) -> None:
    assert client.post("/items/", json={}).headers["Darkroom-Skipped"] == "0"


# ------------------------------------------------------------------------------- the delay


def test_others_are_answered_while_one_waits_in_the_delay(workspace: Path) -> None:
    settings = load_settings(read_roots=str(workspace), processing_delay="20s")
    transport = httpx2.ASGITransport(create_app(settings))

    async def both() -> tuple[int, bool]:
        arrived = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"{}"
            arrived.set()

        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = {"Content-Type": "application/json"}
            slow = asyncio.create_task(client.post("/items/", content=body(), headers=headers))
            await arrived.wait()
            quick = await client.get("/healthz")
            waits = not slow.done()
            slow.cancel()
            return quick.status_code, waits

    assert asyncio.run(both()) == (200, True)
