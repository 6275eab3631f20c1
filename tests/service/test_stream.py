"""The image stream: what each message is answered by."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.live import LiveServer
from tests.samples import photograph
from tests.service.storing import jpeg
from tests.service.stream_clients import Client, connected, picture, stream_url

SMALL = jpeg()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("stream")
    with LiveServer(folder, workers=2, log_level="debug", max_image_bytes="1MiB") as server:
        yield server.ready()


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    with connected(stream_url(live)) as found:
        yield found


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- images ------------------------------------------------------------------------------------


def test_a_binary_message_is_answered_by_the_result(client: Client) -> None:
    client.set(operations=["resize=0.5"])
    assert client.send(SMALL).image().shape == (60, 80, 3)


def test_the_result_is_that_of_process(live: LiveServer, client: Client) -> None:
    client.set(operations=["resize=0.5", "blur=3"], encode={"format": "png"})
    url = "/v1/process?operations=resize%3D0.5&operations=blur%3D3&format=png"
    with live.client() as http:
        expected = http.post(url, content=SMALL).content
    assert client.send(SMALL).message() == expected


def test_without_settings_the_image_is_made_anew(client: Client) -> None:
    assert client.send(SMALL).image().shape == (120, 160, 3)


def test_a_text_message_is_acknowledged(client: Client) -> None:
    found = client.send(in_base64(SMALL)).json()
    assert found.pop("milliseconds") > 0
    assert found.pop("bytes") > 1000
    assert found == {
        "type": "ack", "index": 0, "width": 160, "height": 120, "count": 1, "skipped": 0
    }  # fmt: skip


def test_a_text_message_is_answered_in_kind_when_asked_to(client: Client) -> None:
    client.set(reply="image", encode={"format": "png"})
    answer = client.send(in_base64(SMALL)).message()
    assert isinstance(answer, str)
    assert picture(base64.b64decode(answer, validate=True)).shape == (120, 160, 3)


def test_a_data_url_is_answered_by_one(client: Client) -> None:
    client.set(reply="image", encode={"format": "webp"})
    answer = client.send("data:image/jpeg;base64," + in_base64(SMALL)).message()
    assert isinstance(answer, str)
    head, _, content = answer.partition(",")
    assert head == "data:image/webp;base64"
    assert picture(base64.b64decode(content, validate=True)).shape == (120, 160, 3)


def test_white_space_in_base64_is_nothing(client: Client) -> None:
    lines = base64.encodebytes(SMALL).decode().replace("\n", "\r\n")
    for text in (lines, f"  \n{lines}\t ", f" data:image/jpeg;base64, {lines}"):
        assert client.send(text).json()["type"] == "ack"


def test_a_binary_message_is_acknowledged_when_asked_to(client: Client) -> None:
    client.set(operations=["resize=40x30"], reply="ack")
    found = client.send(SMALL).json()
    assert (found["type"], found["width"], found["height"]) == ("ack", 40, 30)


def test_several_results_come_one_after_another_behind_their_number(client: Client) -> None:
    client.set(operations=["split=2,2"])
    assert client.send(SMALL).json() == {"type": "images", "index": 0, "count": 4}
    assert [client.image().shape for _ in range(4)] == [(60, 80, 3)] * 4
    assert client.set()["type"] == "settings"  # and nothing else came


def test_several_results_of_a_text_message_are_text(client: Client) -> None:
    client.set(operations=["split=2,1"], reply="image")
    assert client.send(in_base64(SMALL)).json() == {"type": "images", "index": 0, "count": 2}
    for _ in range(2):
        answer = client.message()
        assert isinstance(answer, str)
        picture(base64.b64decode(answer, validate=True))


def test_several_results_are_acknowledged_once(client: Client) -> None:
    client.set(operations=["split=2,2"], reply="ack")
    found = client.send(SMALL).json()
    assert (found["count"], found["width"], found["height"]) == (4, 80, 60)


def test_an_image_larger_than_a_frame_comes_in_whole(client: Client) -> None:
    parts = [SMALL[at : at + 700] for at in range(0, len(SMALL), 700)]
    client.connection.send(parts)  # one message in many frames
    assert client.image().shape == (120, 160, 3)


# --- settings ----------------------------------------------------------------------------------


def test_settings_are_answered_by_what_they_come_to(client: Client) -> None:
    found = client.set(operations=["scale=0.5", {"op": "blur", "kernel_size": 3}], reply="ack")
    assert found == {
        "type": "settings",
        "operations": ["resize=0.5", "blur=3"],
        "reply": "ack",
        "warnings": [],
    }


def test_settings_in_mid_stream_hold_for_what_comes_after_them(client: Client) -> None:
    half, quarter = {"operations": ["resize=0.5"]}, {"operations": ["resize=0.25"]}
    client.send(SMALL, half, SMALL, SMALL, quarter, SMALL)
    widths: list[Any] = []
    for _ in range(6):
        answer = client.message()
        widths.append(picture(answer).shape[1] if isinstance(answer, bytes) else "settings")
    assert widths == [160, "settings", 80, 80, "settings", 40]


def test_settings_replace_all_of_those_before(client: Client) -> None:
    client.set(operations=["resize=0.5"], reply="ack", encode={"format": "png"})
    client.set()
    answer = client.send(SMALL).message()
    assert isinstance(answer, bytes)
    assert answer.startswith(b"\xff\xd8")
    assert picture(answer).shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("text", "kind", "pointer"),
    [
        ('{"operations": ["resize=0.5", "no_such"]}', "invalid-request", "/operations/1"),
        ('{"reply": "both"}', "invalid-request", "/reply"),
        ('{"operatons": []}', "invalid-request", "/operatons"),
        ('{"encode": {"format": "bmp2"}}', "invalid-request", "/encode/format"),
        ('{"operations": ["blur"], "recipe": "x"}', "invalid-request", ""),
        ('{"recipe": "not_there"}', "not-stored", None),
        ('{"recipe": "a@b"}', "invalid-request", "/recipe"),
        ('  \n{"operations": ', "malformed-request", None),
        ('{"a":' * 100_000, "malformed-request", None),
        ("{" + " " * (1 << 20) + "}", "malformed-request", None),
        (json.dumps({"operations": ["blur"] * 101}), "invalid-request", "/operations"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_settings_are_refused_and_those_before_stay(
    client: Client, text: str, kind: str, pointer: str | None
) -> None:
    client.set(operations=["resize=0.5"])
    found = client.send(text).json()
    assert (found["type"], found["index"]) == ("error", None)
    assert found["problem"]["type"] == f"/problems/{kind}"
    faults = [fault["pointer"] for fault in found["problem"]["errors"]]
    assert faults == ([] if pointer is None else [pointer])
    assert client.send(SMALL).image().shape == (60, 80, 3)


def test_an_unknown_key_is_told_with_the_nearest(client: Client) -> None:
    assert "did you mean 'reply'" in client.set(replay="ack")["problem"]["detail"]


def test_a_recipe_stands_for_operations(live: LiveServer, client: Client) -> None:
    with live.client() as http:
        body = {"operations": ["resize=40x30", "grayscale"], "encode": {"format": "png"}}
        http.put("/v1/recipes/streamed", json=body).raise_for_status()
    assert client.set(recipe="streamed")["operations"] == ["resize=40x30", "grayscale"]
    assert client.send(SMALL).image().shape == (30, 40)


def test_what_is_left_out_is_told(client: Client) -> None:
    found = client.set(operations=["no_such", "resize=0.5"], on_invalid="skip", reply="ack")
    assert [warning["pointer"] for warning in found["warnings"]] == ["/operations/0"]
    assert found["operations"] == ["resize=0.5"]
    assert client.send(SMALL).json()["skipped"] == 1


# --- failures ----------------------------------------------------------------------------------

BAD: list[tuple[str | bytes, str]] = [
    (b"not an image", "unsupported-format"),
    (b"", "malformed-request"),
    ("", "malformed-request"),
    (SMALL[:2000], "damaged-image"),
    ("no base64 at all!", "malformed-request"),
    ("[1, 2]", "malformed-request"),
    (in_base64(SMALL)[:-2], "malformed-request"),
    ("data:image/png;base64,", "malformed-request"),
    (in_base64(b"text"), "unsupported-format"),
]


def test_a_bad_image_is_told_with_its_index_and_the_stream_goes_on(client: Client) -> None:
    client.set(reply="ack")
    for message, _ in BAD:
        client.send(message, SMALL)
    for index, (_, kind) in enumerate(BAD):
        found = client.json()
        assert (found["type"], found["index"]) == ("error", 2 * index)
        assert found["problem"]["type"] == f"/problems/{kind}"
        assert client.json()["index"] == 2 * index + 1


def test_an_operation_that_does_not_fit_is_told_with_its_step(client: Client) -> None:
    client.set(operations=["grayscale", "crop=200,0,10,10"])
    problem = client.send(SMALL).json()["problem"]
    assert problem["type"] == "/problems/step-failed"
    assert [fault["pointer"] for fault in problem["errors"]] == ["/operations/1"]


# --- order -------------------------------------------------------------------------------------


def test_order_is_kept_when_a_large_image_takes_longer_than_small_ones(
    client: Client, live: LiveServer
) -> None:
    client.set(operations=["blur=15"], encode={"format": "png"})
    sizes = [(900, 600) if n % 5 == 0 else (20 + n, 20) for n in range(30)]
    for width, height in sizes:
        client.send(encoded(width, height))
    assert [client.image().shape[1::-1] for _ in sizes] == sizes


def test_images_of_one_connection_are_processed_in_parallel(
    client: Client, live: LiveServer
) -> None:
    client.set(operations=["blur=99,30"] * 8, reply="ack")
    data = encoded(900, 600)
    client.send(*[data] * 6)
    most = 0.0
    with live.client() as http:
        while most < 2:
            text = http.get("/metrics").text
            busy = next(x for x in text.splitlines() if x.startswith("darkroom_workers_busy "))
            most = max(most, float(busy.split()[1]))
    assert [client.json()["index"] for _ in range(6)] == list(range(6))


def encoded(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", photograph(width, height))[1].tobytes()


def test_results_of_parallel_connections_are_not_mixed(live: LiveServer) -> None:
    images = [encoded(64 + number, 48) for number in range(4)]
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(stream_url(live))) for _ in images]
        for _ in range(10):
            for one, data in zip(clients, images, strict=True):
                one.send(data)
        for number, one in enumerate(clients):
            shapes = {one.image().shape for _ in range(10)}
            assert shapes == {(48, 64 + number, 3)}


# --- what is told of it ------------------------------------------------------------------------


def test_the_log_tells_connections_apart(live: LiveServer) -> None:
    with connected(stream_url(live), additional_headers={"X-Request-ID": "first-one"}) as client:
        client.send(SMALL, b"bad")
        client.message()
        client.json()
    assert live.wait_for(r"request=first-one\] stream opened by 127\.0\.0\.1:\d+")
    assert live.wait_for(rf"DEBUG.*request=first-one\] image 0: {len(SMALL)} in")
    assert live.wait_for(r"request=first-one\] stream ended: 2 images, 1 failed")


def test_metrics_count_images_failures_and_connections(live: LiveServer) -> None:
    def metric(name: str) -> float:
        with live.client() as http:
            lines = http.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    written = metric('darkroom_images_total{format="png"}')
    failed = metric('darkroom_images_failed_total{kind="malformed-request"')
    with connected(stream_url(live)) as client:
        client.set(encode={"format": "png"})
        client.send(SMALL).message()
        client.send("not base64!").json()
        assert metric("darkroom_streams ") >= 1
    assert metric('darkroom_images_total{format="png"}') == written + 1
    assert metric('darkroom_images_failed_total{kind="malformed-request"') == failed + 1


def test_a_result_of_many_megabytes_is_whole(client: Client) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    client.set(operations=["resize=1500x1200"], encode={"format": "png"})
    answers = [client.send(data).message() for _ in range(2)]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], bytes)
    assert len(answers[0]) > 1 << 20
    assert picture(answers[0]).shape == (1200, 1500, 3)


def test_it_works_outside_the_lifespan_of_the_application(app: FastAPI) -> None:
    for _ in range(2):  # each with an event loop of its own
        with TestClient(app).websocket_connect("/v1/stream") as session:
            session.send_bytes(SMALL)
            assert picture(session.receive_bytes()).shape == (120, 160, 3)
