"""Google's and Azure's stores, as far as that goes without them; and what all stores share.

What is the same for all stores runs against S3. Azure's client talks to answers made by hand, and
in Google's place is a file system in memory.
"""

import base64
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.memory import MemoryFileSystem

from service.jobs.walking import matches
from service.remote.base import Entry, ObjectOptions
from service.remote.objects import Objects
from service.remote.s3 import S3
from service.remote.urls import parse
from service.storage import SinkUnwritable, SourceNotFound, SourceTooLarge, SourceUnreadable
from tests.object_store import S3Server, storage_of, using
from tests.service.storing import jpeg
from tests.service.web_server import Reply, WebServer, head

KEY = base64.b64encode(b"a key that must not be shown").decode()
ACCOUNT = "/devstoreaccount1"
BLOB = f"{ACCOUNT}/photos/a.jpg"
URL = "az://photos/a.jpg"


# --- what all stores share ---------------------------------------------------------------------


class General(Objects):
    """S3 with the methods of all stores."""

    _arguments = S3._arguments  # type: ignore[assignment]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server() as server, using(server.url, tmp_path_factory.mktemp("aws")):
        server.bucket("shared", {"in/a.jpg": b"content", "in/sub/b.jpg": b"", "in/empty": b""})
        yield server


@pytest.fixture(scope="module")
def shared(server: S3Server) -> Objects:
    return General("s3", ObjectOptions(5, 10, 0))


def test_a_store_is_read_in_the_way_that_all_have(shared: Objects) -> None:
    url = parse("s3://shared/in/a.jpg")
    assert shared.read(url, 100) == b"content"
    assert shared.read(url, 100, 3) == b"con"
    assert shared.read(parse("s3://shared/in/empty"), 100) == b""
    with pytest.raises(SourceTooLarge):
        shared.read(url, 6)
    for missing in ("s3://shared/in/no.jpg", "s3://shared/in", "s3://missing/a.jpg"):
        with pytest.raises(SourceNotFound):
            shared.read(parse(missing), 100)


def test_a_store_is_written_in_the_way_that_all_have(server: S3Server, shared: Objects) -> None:
    url = parse("s3://shared/out/a.jpg")
    assert shared.state(url) == (0, 0)
    shared.write(url, b"content")
    assert server.get("shared", "out/a.jpg") == b"content"
    assert shared.state(url)[0] == 7
    assert shared.state(parse("s3://shared/out")) == (0, 0)
    shared.remove(url)
    assert shared.state(url) == (0, 0)


def test_a_store_is_listed_in_the_way_that_all_have(shared: Objects) -> None:
    found = sorted(shared.entries(parse("s3://shared/in")))
    assert found == [Entry("a.jpg", False), Entry("empty", False), Entry("sub", True)]
    assert list(shared.entries(parse("s3://shared/none"))) == []
    assert list(shared.entries(parse("s3://shared/in/a.jpg"))) == []


# --- Google ------------------------------------------------------------------------------------


class Cloud(AsyncFileSystemWrapper):  # type: ignore[misc]
    """A file system in memory, with the arguments of Google's."""

    def __init__(self, token: str, requests_timeout: object, **options: Any) -> None:
        super().__init__(MemoryFileSystem(), asynchronous=False)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> MemoryFileSystem:
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    monkeypatch.setitem(import_module("fsspec.registry")._registry, "gs", Cloud)
    return MemoryFileSystem()


def test_urls_of_google_are_read_written_and_listed(cloud: MemoryFileSystem) -> None:
    storage = storage_of("gs://photos")
    for name in ("in/a.jpg", "in/sub/b.jpg", "in/sub/c.png"):
        cloud.pipe_file(f"/photos/{name}", name.encode())
    assert storage.read("gs://photos/in/a.jpg") == b"in/a.jpg"
    storage.write("gs://photos/out/a.jpg", [jpeg(8, 8)], "token")
    assert cloud.cat_file("/photos/out/a.jpg") == jpeg(8, 8)
    found = list(matches(storage, "gs://photos/in/**/*.jpg"))
    assert found == ["gs://photos/in/a.jpg", "gs://photos/in/sub/b.jpg"]
    assert storage.state_of_output("gs://photos/out/a.jpg")[0] == len(jpeg(8, 8))


def test_google_without_credentials_says_which_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(SourceUnreadable, match="credentials: set GOOGLE_APPLICATION_CREDENTIALS"):
        storage_of("gs://photos").read("gs://photos/a.jpg")


# --- Azure -------------------------------------------------------------------------------------


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    with WebServer() as server:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv(
            "AZURE_STORAGE_CONNECTION_STRING",
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT[1:]};AccountKey={KEY};"
            f"BlobEndpoint={server.url(ACCOUNT)};",
        )
        yield server


def blob(status: int, *fields: str, content: bytes = b"") -> Reply:
    """An answer with the fields of a blob; that to HEAD has no content."""
    time = "Sat, 21 Nov 2026 10:00:00 GMT"
    known = ['ETag: "0x8D"', f"Last-Modified: {time}", f"x-ms-creation-time: {time}"]
    kind = ["Content-Type: image/jpeg", "x-ms-blob-type: BlockBlob", "x-ms-version: 2021-01-01"]
    return Reply(head(status, *fields, *known, *kind) + content, keeps=True)


def refusal(status: int, code: str) -> Reply:
    return Reply(head(status, "Content-Length: 0", f"x-ms-error-code: {code}"), keeps=True)


def test_a_blob_is_read(azure: WebServer) -> None:
    range_of = ("Content-Length: 7", "Content-Range: bytes 0-6/7")
    azure.url(BLOB, [blob(200, "Content-Length: 7"), blob(206, *range_of, content=b"content")])
    assert storage_of("az://photos").read(URL) == b"content"


def test_a_blob_is_written_with_its_media_type(azure: WebServer) -> None:
    azure.url(BLOB, blob(201, "Content-Length: 0"))
    # The server takes the end of the content for that of a request.
    storage_of("az://photos").write(URL, [b"GIF89a\r\n\r\n"], "token")
    (asked,) = azure.requests(BLOB)
    assert asked.fields["x-ms-blob-content-type"] == "image/gif"


def test_the_state_of_a_blob_is_asked_for(azure: WebServer) -> None:
    azure.url(BLOB, blob(200, "Content-Length: 7"))
    assert storage_of("az://photos").state_of_output(URL)[0] == 7


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (403, "AuthenticationFailed", "does not accept the credentials .AuthenticationFailed."),
        (403, "AuthorizationFailure", "denies it .AuthorizationFailure."),
    ],
)
def test_what_azure_says_no_with_is_told(
    azure: WebServer, status: int, code: str, text: str
) -> None:
    azure.url(BLOB, refusal(status, code))
    with pytest.raises(SourceUnreadable, match=text) as found:
        storage_of("az://photos").read(URL)
    assert KEY not in str(found.value)


def test_azure_without_an_account_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    with pytest.raises(SinkUnwritable, match="there are no credentials: set AZURE_STORAGE_ACCOUNT"):
        storage_of("az://photos").write(URL, [b""], "token")
