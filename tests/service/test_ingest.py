"""Folders over TCP: both protocols, on both stores, whatever way the bytes come."""

import pickle
import re
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image as Pillow

from tests.live import LiveServer, until
from tests.service.folders import (
    ALL_RECEIVED,
    IMAGE_RECEIVED,
    NAMES_RECEIVED,
    Framed,
    a_byte_at_a_time,
    connect,
    documents,
    framed,
    message,
    opened,
    original,
    over_http,
    png,
    port_of,
    said,
    server_of,
)
from tests.service.storing import jpeg
from tests.stores import KINDS, url_of

AT_ONCE = 200


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("ingest")
    url = url_of(request.param, folder, request)
    with server_of(folder, url, log_file=folder / "all.log") as found:
        yield found.ready()


@pytest.fixture
def log_file(server: LiveServer) -> Path:
    return Path(psutil.Process(server.process.pid).environ()["DARKROOM_LOG_FILE"])


@pytest.fixture
def port(server: LiveServer) -> int:
    return port_of(server)


# --- the original protocol ---------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
def test_an_original_client_goes_through(server: LiveServer, port: int, protocol: int) -> None:
    images = {"a.jpg": opened(), "b.png": opened("PNG"), "c.gif": opened("GIF")}
    answers = original(port, f"original{protocol}", images, protocol)
    assert answers == [NAMES_RECEIVED, *[IMAGE_RECEIVED] * 3, ALL_RECEIVED]
    files = {name: png(image) for name, image in images.items()}
    expected = over_http(server, f"http{protocol}", files)
    assert documents(server, f"original{protocol}") == expected


def test_images_come_through_a_byte_at_a_time(server: LiveServer, port: int) -> None:
    image = opened(width=20, height=10)
    answers = original(port, "bytes", {"a.jpg": image}, send=a_byte_at_a_time)
    assert answers == [NAMES_RECEIVED, IMAGE_RECEIVED, ALL_RECEIVED]
    assert list(documents(server, "bytes")) == ["a.jpg"]


def test_all_messages_can_come_in_one_packet(server: LiveServer, port: int) -> None:
    messages = [("packet", ["a.jpg", "b.jpg"]), opened(), opened("PNG")]
    with connect(port) as client:
        client.sendall(b"".join(map(pickle.dumps, messages)) + b"fin")
        assert said(client) == NAMES_RECEIVED + 2 * IMAGE_RECEIVED + ALL_RECEIVED
    assert list(documents(server, "packet")) == ["a.jpg", "b.jpg"]


def test_a_client_may_wait_until_the_server_closes(port: int) -> None:
    with connect(port) as client:
        client.sendall(pickle.dumps(("waits", [])))
        assert said(client) == NAMES_RECEIVED + ALL_RECEIVED
        client.sendall(b"fin")


def test_a_name_is_inserted_once(server: LiveServer, port: int) -> None:
    original(port, "once", {"a.jpg": opened()})
    before = documents(server, "once")
    with connect(port) as client:
        images = [opened(width=30), opened("PNG"), opened()]
        first = pickle.dumps(("once", ["a.jpg", "b.png", "b.png"]))
        client.sendall(first + b"".join(map(pickle.dumps, images)))
        assert said(client).endswith(ALL_RECEIVED)
    after = documents(server, "once")
    assert (list(after), after["a.jpg"]) == (["a.jpg", "b.png"], before["a.jpg"])


def test_an_image_that_cannot_be_read_does_not_stop_the_others(
    server: LiveServer, port: int
) -> None:
    bad = {"f.tif": Pillow.new("F", (9, 9)), "text.jpg": "no image", "none.jpg": None}
    answers = original(port, "mostly", {"a.jpg": opened(), **bad, "b.jpg": opened()})
    assert answers == [NAMES_RECEIVED, *[IMAGE_RECEIVED] * 5, ALL_RECEIVED]
    assert list(documents(server, "mostly")) == ["a.jpg", "b.jpg"]
    assert "mode 'F'" in server.wait_for("image 'f.tif' failed")
    assert "no image of Pillow" in server.wait_for("image 'text.jpg' failed")


def test_names_that_attack_fail_alone(server: LiveServer, port: int) -> None:
    names = ["../../etc/passwd", "a\0b", "x" * 1000, "", "..", "\ud800", 5, ("a", "b"), "good.jpg"]
    answers = original(port, "attacked", {name: opened(width=9, height=9) for name in names})
    assert answers[-1] == ALL_RECEIVED
    assert list(documents(server, "attacked")) == ["good.jpg"]


@pytest.mark.parametrize("folder", ["./fotos/gatos1/", "/home/ana/gatos1", "C:\\fotos\\gatos1"])
def test_the_collection_has_the_name_of_the_folder(
    server: LiveServer, port: int, folder: str
) -> None:
    original(port, folder, {"a.jpg": opened()})
    assert list(documents(server, "gatos1")) == ["a.jpg"]


@pytest.mark.parametrize("folder", ["", "..", "a$b", "system.x", "a\0b", "x" * 300, "\ud800", 5])
def test_a_folder_that_names_no_collection_is_told(port: int, folder: object) -> None:
    with connect(port) as client:
        client.sendall(pickle.dumps((folder, ["a.jpg"])))
        answer = said(client)
    assert answer.startswith(b"error: ")
    assert answer.endswith(b"\n")


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(Vtrue\ntR.",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff",
        b"N.",
        b"]r\xff\xff\xff\xff",
    ],
)
def test_what_is_no_folder_is_told_and_closed(server: LiveServer, port: int, data: bytes) -> None:
    with connect(port) as client:
        client.sendall(data)
        assert said(client).startswith(b"error: the ")


def test_what_came_before_the_client_broke_off_is_stored(server: LiveServer, port: int) -> None:
    with connect(port) as client:
        client.sendall(pickle.dumps(("broken", ["a.jpg", "b.jpg"])) + pickle.dumps(opened()))
        client.sendall(pickle.dumps(opened())[:-100])
        client.shutdown(1)
        assert said(client) == NAMES_RECEIVED + IMAGE_RECEIVED
    until(lambda: list(documents(server, "broken")) == ["a.jpg"])


# --- the framed protocol -----------------------------------------------------------------------


def test_a_framed_client_is_told_what_became_of_each(server: LiveServer, port: int) -> None:
    images = [("a.jpg", jpeg()), ("b.jpg", b"no image"), ("a.jpg", jpeg(30, 30)), ("c.png", jpeg())]
    *results, summary = framed(port, "framed", images)
    assert [(one["name"], one["status"]) for one in results] == [
        ("a.jpg", "inserted"),
        ("b.jpg", "failed"),
        ("a.jpg", "existing"),
        ("c.png", "inserted"),
    ]
    assert results[1]["error"]["type"] == "/problems/unsupported-format"
    assert summary == {"type": "summary", "inserted": 2, "existing": 1, "failed": 1}
    expected = over_http(server, "framed-http", {"a.jpg": jpeg(), "c.png": jpeg()})
    assert documents(server, "framed") == expected


def test_framed_messages_come_through_a_byte_at_a_time(port: int) -> None:
    image = jpeg(20, 10)
    with connect(port) as client:
        sent = (
            b"DRKM\x01"
            + message({"type": "hello", "collection": "framed-bytes"})
            + message({"type": "image", "name": "a.jpg"}, image)
            + message({"type": "end"})
        )
        a_byte_at_a_time(client, sent)
        assert b'"inserted": 1' in said(client)


def test_an_empty_folder_is_a_collection(server: LiveServer, port: int) -> None:
    assert framed(port, "empty", []) == [
        {"type": "summary", "inserted": 0, "existing": 0, "failed": 0}
    ]
    assert documents(server, "empty") == {}


def test_framed_names_that_attack_fail_alone(port: int) -> None:
    names = ["../a", "a\0b", "x" * 1000, "", "..", "\U000e0001" * 1000, "😀" * 512]
    *results, summary = framed(port, "framed-attacked", [(name, jpeg(9, 9)) for name in names])
    assert {one["error"]["type"] for one in results} == {"/problems/name-refused"}
    assert (summary["failed"], [one["name"] for one in results]) == (len(names), names)


def test_ready_says_the_limits(port: int) -> None:
    with Framed(port) as client:
        ready = client.hello("limits")
    assert ready["limits"]["images"] == 10_000
    assert ready["limits"]["image_bytes"] == 32 << 20
    assert len(ready["connection"]) == 8


@pytest.mark.parametrize(
    "data",
    [
        message({"type": "hullo", "collection": "a"}),
        message({"type": "hello", "collection": 5}),
        message({"type": "hello"}),
        message({"type": "hello", "collection": "a"}, b"body"),
        message({"type": "image", "name": "a"}),
        message([]),
        message({"type": ["hello"], "collection": "a"}),
        message(b"{"),
        message(b"\xff"),
        message('{"type": "hello", "collection": "a"}'.encode("utf-16")),
        message(b"1" * 5000),
        message(b"[" * 60_000),
        struct.pack(">II", 64 * 1024 + 1, 0),
        b"\xff" * 8,
    ],
    ids=lambda data: str(data[8:30]),
)
def test_a_hello_that_is_none_is_told_and_closed(port: int, data: bytes) -> None:
    with Framed(port) as client:
        client.socket.sendall(data)
        error = client.next()["problem"]
    assert error["type"] == "/problems/malformed-request"
    assert not re.search(r"_\w|instance|sys\.", error["detail"]), error["detail"]


@pytest.mark.parametrize("header", [{"type": "imago"}, {"type": "image", "name": 5}, []])
def test_an_image_that_is_none_is_told_in_words_of_the_protocol(port: int, header: object) -> None:
    with Framed(port) as client:
        client.hello("words")
        client.socket.sendall(message(header))
        error = client.next()["problem"]
    assert error["type"] == "/problems/malformed-request"
    assert not re.search(r"_\w|instance|_Image|_End", error["detail"]), error["detail"]


def test_another_version_is_told(port: int) -> None:
    with Framed(port, b"DRKM\x02") as client:
        error = client.next()
    assert "version 2 of the protocol is not known" in error["problem"]["detail"]


@pytest.mark.parametrize("name", ["", "a/b", "a$b", "darkroom_x", "x" * 1000, "\ud800"])
def test_a_collection_that_cannot_be_is_told(port: int, name: str) -> None:
    with Framed(port) as client:
        client.send("hello", collection=name)
        assert client.problem() == "name-refused"


def test_a_fault_in_the_middle_leaves_what_was_sent_before_stored(
    server: LiveServer, port: int
) -> None:
    with Framed(port) as client:
        client.hello("fault")
        client.send("image", jpeg(), name="a.jpg")
        client.send("picture", jpeg(), name="b.jpg")
        assert client.next()["status"] == "inserted"
        assert client.problem() == "malformed-request"
    assert list(documents(server, "fault")) == ["a.jpg"]


# --- many, and what is seen of them ------------------------------------------------------------


def test_two_hundred_clients_at_once(server: LiveServer, port: int) -> None:
    image = opened(width=20, height=10)
    data = jpeg(20, 10)

    def send(number: int) -> Any:
        if number % 2:
            return original(port, "many", {f"{number}.jpg": image})[-1] == ALL_RECEIVED
        return framed(port, "many", [(f"{number}.jpg", data)])[-1]["inserted"] == 1

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert list(threads.map(send, range(AT_ONCE))) == [True] * AT_ONCE
    assert len(documents(server, "many")) == AT_ONCE


def test_a_connection_has_its_id_and_descriptor_in_each_line(
    server: LiveServer, port: int, log_file: Path
) -> None:
    with Framed(port) as client:
        id = client.hello("logged")["connection"]
        client.send("end")
        client.next()
    server.wait_for(rf"\[connection={id} fd=\d+\] closed")
    lines = [line for line in server.lines if id in line]
    assert len(lines) == 4
    assert [line for line in log_file.read_text().splitlines() if id in line] == lines
    assert len({line.partition("fd=")[2].partition("]")[0] for line in lines}) == 1


def test_the_metrics_count_images_and_connections(server: LiveServer, port: int) -> None:
    framed(port, "counted", [("a.jpg", jpeg()), ("b.jpg", b"")])
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    parts = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    found = {name: float(value) for name, _, value in parts}
    assert found['darkroom_ingest_images_total{protocol="framed",status="inserted"}'] >= 1
    assert found['darkroom_ingest_images_total{protocol="framed",status="failed"}'] >= 1
    assert found["darkroom_ingest_connections"] >= 0
