"""Connections to web servers are kept for the next image as far as that is safe."""

import multiprocessing
import pickle
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.remote.web import WebSource
from service.storage_errors import SourceUnreadable
from tests.service.web_reading import MOST, anything, failure, fresh_connections, source
from tests.service.web_server import Reply, WebServer, head, ok


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer() as found:
        yield found


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with fresh_connections():
        yield


def numbers(server: WebServer, path: str) -> list[int]:
    return [asked.connection for asked in server.requests(path)]


def test_a_connection_is_used_for_the_next_image(server: WebServer) -> None:
    url = server.url("/kept", ok(b"picture"))
    for _ in range(3):
        source().read(url, MOST)
    assert len(set(numbers(server, "/kept"))) == 1


def test_a_connection_that_the_server_has_closed_is_made_again() -> None:
    with WebServer() as server:
        url = server.url("/closed", ok(b"picture"))
        source().read(url, MOST)
        server.close_idle()
        assert source().read(url, MOST) == b"picture"
        assert numbers(server, "/closed") == [0, 1]


def test_an_image_is_asked_for_again_where_a_kept_connection_ends(server: WebServer) -> None:
    url = server.url("/again", [ok(b"picture"), Reply(), ok(b"picture")])
    source().read(url, MOST)
    assert source().read(url, MOST) == b"picture"
    first, second, third = numbers(server, "/again")
    assert first == second != third


def test_a_connection_with_unread_content_is_not_used_again(server: WebServer) -> None:
    unread = Reply(head(500, "Content-Length: 4") + b"HTTP", keeps=True)
    failure(SourceUnreadable, server.url("/unread", unread))
    assert source().read(server.url("/after", ok(b"picture")), MOST) == b"picture"
    assert numbers(server, "/unread") != numbers(server, "/after")


def test_threads_may_read_at_once(server: WebServer) -> None:
    url = server.url("/threads", ok(b"picture"))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: source().read(url, MOST), range(40)))
    assert found == [b"picture"] * 40


def read_in_child(url: str) -> None:
    assert source().read(url, MOST) == b"picture"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(server: WebServer) -> None:
    url = server.url("/forked", ok(b"picture"))
    source().read(url, MOST)
    child = multiprocessing.get_context("fork").Process(target=read_in_child, args=(url,))
    child.start()
    child.join()
    assert child.exitcode == 0
    source().read(url, MOST)
    mine, its, mine_again = numbers(server, "/forked")
    assert mine == mine_again != its


def test_a_source_can_be_sent_to_a_worker(server: WebServer) -> None:
    sent = pickle.loads(pickle.dumps(WebSource(anything, 20.0, allow_private=True)))
    assert sent.read(server.url("/sent", ok(b"picture")), MOST) == b"picture"


def test_a_server_that_is_not_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in failure(SourceUnreadable, f"http://127.0.0.1:{port}/x")
