"""Images in a real S3 server, through the storage that requests and workers use."""

import pickle
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from service.jobs.walking import Search, SearchStopped, SearchTooLong, is_pattern, matches
from service.storage import (
    PathRefused,
    SinkUnwritable,
    SourceNotFound,
    SourceTooLarge,
    SourceUnreadable,
    Storage,
    StorageError,
)
from tests.object_store import KEY_ID, MOST, SECRET, S3Server, credentials, storage_of, using
from tests.service.storing import jpeg

_numbers = count()
SECRETS = (SECRET, KEY_ID)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server() as server, using(server.url, tmp_path_factory.mktemp("aws")):
        yield server


@pytest.fixture
def bucket(server: S3Server) -> str:
    """A bucket of the test's own."""
    return server.bucket(f"bucket-{next(_numbers)}")


@pytest.fixture(scope="module")
def storage(server: S3Server) -> Storage:
    """All buckets of the tests: their clients are made once."""
    return storage_of(*(f"s3://bucket-{number}" for number in range(40)), "s3://missing")


def failure(kind: type[StorageError], path: str, storage: Storage) -> str:
    """Why `path` is not read."""
    with pytest.raises(StorageError) as found:
        storage.read(path)
    assert type(found.value) is kind, found.value
    assert not any(secret in str(found.value) for secret in SECRETS)
    return str(found.value)


# --- reading -----------------------------------------------------------------------------------


def test_an_object_is_read(server: S3Server, storage: Storage, bucket: str) -> None:
    server.put(bucket, "in/ä b.jpg", b"content")
    assert storage.read(f"s3://{bucket}/in/ä b.jpg") == b"content"


def test_the_beginning_of_an_object_is_read(
    server: S3Server, storage: Storage, bucket: str
) -> None:
    server.put(bucket, "a.jpg", bytes(range(200)))
    assert storage.read(f"s3://{bucket}/a.jpg", 20) == bytes(range(20))
    assert storage.read(f"s3://{bucket}/a.jpg", 500) == bytes(range(200))


def test_an_empty_object_is_empty(server: S3Server, storage: Storage, bucket: str) -> None:
    server.put(bucket, "a.jpg", b"")
    assert storage.read(f"s3://{bucket}/a.jpg", 20) == b""


def test_a_missing_object_is_named(storage: Storage, bucket: str) -> None:
    text = failure(SourceNotFound, f"s3://{bucket}/no.jpg", storage)
    assert text == f"there is no object s3://{bucket}/no.jpg"


def test_a_missing_bucket_is_named(storage: Storage) -> None:
    text = failure(SourceNotFound, "s3://missing/no.jpg", storage)
    assert text == "there is no bucket s3://missing: check its name"


def test_an_object_that_is_too_large_is_refused(
    server: S3Server, storage: Storage, bucket: str
) -> None:
    server.put(bucket, "a.jpg", b"x" * (MOST + 1))
    text = failure(SourceTooLarge, f"s3://{bucket}/a.jpg", storage)
    assert f"{MOST + 1} bytes" in text
    assert "DARKROOM_MAX_IMAGE_BYTES" in text


def test_who_may_not_read_is_told_the_right_that_is_missing(
    server: S3Server, bucket: str, tmp_path: Path
) -> None:
    server.put(bucket, "a.jpg", b"content")
    stranger = server.stranger("reader")
    with using(server.url, tmp_path, **stranger), server.checking_rights():
        text = failure(SourceUnreadable, f"s3://{bucket}/a.jpg", storage_of(f"s3://{bucket}"))
    assert (
        "the store denies it (AccessDenied): give the key of the service the right to read" in text
    )
    assert stranger["AWS_ACCESS_KEY_ID"] not in text


def test_wrong_credentials_are_told_without_showing_them(
    server: S3Server, bucket: str, tmp_path: Path
) -> None:
    wrong = credentials("AKIAWRONGWRONGWRONG1", "not-the-secret")
    with using(server.url, tmp_path, **wrong), server.checking_rights():
        text = failure(SourceUnreadable, f"s3://{bucket}/a.jpg", storage_of(f"s3://{bucket}"))
    assert "does not accept the credentials (InvalidAccessKeyId): set AWS_ACCESS_KEY_ID" in text
    assert "AKIAWRONG" not in text


def test_missing_credentials_are_told(
    server: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with using(server.url, tmp_path):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        text = failure(SourceUnreadable, f"s3://{bucket}/a.jpg", storage_of(f"s3://{bucket}"))
    assert "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in text


# --- what may be named -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "s3://other/a.jpg",
        "s3://bucket-0x/a.jpg",
        "s3://root/inside",
        "s3://root/insider/a.jpg",
        "s3://root/a.jpg",
        "s3://root",
        "gs://root/inside/a.jpg",
        "https://root/inside/a.jpg",
        "file:///etc/passwd",
        "ftp://root/inside/a.jpg",
        "s3://root/inside/../a.jpg",
        "s3://root/inside/./a.jpg",
        "s3://root/inside//a.jpg",
        "s3://root//inside/a.jpg",
        "s3:///root/inside/a.jpg",
        "s3://user:secret@root/inside/a.jpg",
        "s3://root/inside/a.jpg?versionId=1",
        "s3://root/inside/a.jpg/",
        "s3://root/inside/a\0.jpg",
        "s3://root/inside/a\n.jpg",
        "s3://root/inside/\ud800.jpg",
        "s3://root/inside/" + "x" * 1020,
        "s3://root/inside/" + "x/" * 101 + "x",
    ],
)
def test_what_lies_outside_or_is_no_url_is_refused(url: str) -> None:
    storage = storage_of("s3://root/inside")
    for ask in (storage.read, storage.resolve_output):
        with pytest.raises(PathRefused) as found:
            ask(url)
        assert "secret" not in str(found.value)


def test_a_refusal_has_the_words_of_folders() -> None:
    storage = storage_of("s3://root/inside")
    with pytest.raises(
        PathRefused, match=r"^s3://root/a\.jpg may not be written: it lies outside DA"
    ):
        storage.write("s3://root/a.jpg", [b""], "token")


def test_two_spellings_of_a_url_are_one() -> None:
    storage = storage_of("S3://root/inside/")
    assert storage.resolve_output("S3://root/inside/a.jpg") == "s3://root/inside/a.jpg"


def test_without_a_root_that_is_a_url_none_may_be_named(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match=r"s3://root/a\.jpg may not be read: it lies outside"):
        storage_of(tmp_path).read("s3://root/a.jpg")


# --- writing -----------------------------------------------------------------------------------


def test_a_result_is_written_with_its_media_type(
    server: S3Server, storage: Storage, bucket: str
) -> None:
    data = jpeg(8, 8)
    assert storage.write(f"s3://{bucket}/out/a.jpg", [data], "token") == [
        f"s3://{bucket}/out/a.jpg"
    ]
    assert server.get(bucket, "out/a.jpg") == data
    assert server.media_type(bucket, "out/a.jpg") == "image/jpeg"


def test_several_results_are_numbered(server: S3Server, storage: Storage, bucket: str) -> None:
    storage.write(f"s3://{bucket}/out/a.jpg", [b"1", b"2"], "token")
    assert server.keys(bucket) == {"out/a_1.jpg", "out/a_2.jpg"}


def test_a_result_replaces_what_was_there(server: S3Server, storage: Storage, bucket: str) -> None:
    server.put(bucket, "a.jpg", b"old and longer")
    storage.write(f"s3://{bucket}/a.jpg", [b"new"], "token")
    assert server.get(bucket, "a.jpg") == b"new"


def test_a_bucket_to_write_to_has_to_be_there(storage: Storage) -> None:
    with pytest.raises(SinkUnwritable, match="there is no bucket s3://missing; make it first"):
        storage.write("s3://missing/a.jpg", [b"1"], "token")


def test_who_may_not_write_is_told(server: S3Server, bucket: str, tmp_path: Path) -> None:
    with using(server.url, tmp_path, **server.stranger("writer")), server.checking_rights():
        storage = storage_of(f"s3://{bucket}")
        with pytest.raises(
            SinkUnwritable, match=r"denies it \(AccessDenied\): .* right to write it"
        ):
            storage.write(f"s3://{bucket}/a.jpg", [b"1"], "token")


def test_results_are_all_written_or_none(
    server: S3Server, storage: Storage, bucket: str, tmp_path: Path
) -> None:
    both = storage_of(f"s3://{bucket}", "s3://missing", tmp_path)
    files = [(f"s3://{bucket}/1.jpg", b"1"), (f"{tmp_path}/2.jpg", b"2"), ("s3://missing/3", b"3")]
    with pytest.raises(SinkUnwritable):
        both.write_all(files, "token")
    assert server.keys(bucket) == set()
    assert list(tmp_path.iterdir()) == []


def test_objects_are_removed_when_a_file_cannot_be_moved(
    server: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = storage_of(f"s3://{bucket}", tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(SinkUnwritable, match="No space left"):
        both.write_all([(f"s3://{bucket}/1.jpg", b"1"), (f"{tmp_path}/2.jpg", b"2")], "token")
    assert server.keys(bucket) == set()


def test_the_state_of_an_output_changes_with_its_content(
    server: S3Server, storage: Storage, bucket: str
) -> None:
    path = f"s3://{bucket}/a.jpg"
    assert storage.state_of_output(path) == (0, 0)
    server.put(bucket, "a.jpg", b"one")
    first = storage.state_of_output(path)
    assert first[0] == 3
    assert 0 < first[1] < 2**63
    assert storage.state_of_output(path) == first
    server.put(bucket, "a.jpg", b"two")
    assert storage.state_of_output(path) != first


def test_a_storage_is_pickled_without_its_clients(
    server: S3Server, storage: Storage, bucket: str
) -> None:
    server.put(bucket, "a.jpg", b"content")
    storage.read(f"s3://{bucket}/a.jpg")
    packed = pickle.dumps(storage)
    assert not any(secret.encode() in packed for secret in SECRETS)
    assert pickle.loads(packed).read(f"s3://{bucket}/a.jpg") == b"content"


# --- patterns ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(server: S3Server) -> str:
    """A bucket with keys of all kinds."""
    keys = ["b.jpg", "a.jpg", "a.png", ".hidden.jpg", "sub/c.jpg", "sub/deep/d.jpg", "x[1].jpg"]
    odd = ["in/sub/", "in//e.jpg", "in/./f.jpg", "in/q?.jpg", "out.jpg", "in/sub.jpg/g.txt"]
    objects = dict.fromkeys([*(f"in/{key}" for key in keys), *odd], b"")
    return server.bucket("bucket-39", objects)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", ["a.jpg", "b.jpg", "x[1].jpg"]),
        ("in/?.*", ["a.jpg", "a.png", "b.jpg"]),
        ("in/[ab].jpg", ["a.jpg", "b.jpg"]),
        ("in/.*.jpg", [".hidden.jpg"]),
        ("in/*/c.jpg", ["sub/c.jpg"]),
        ("in/**/[a-d].jpg", ["a.jpg", "b.jpg", "sub/c.jpg", "sub/deep/d.jpg"]),
        ("in/**/sub/**/*.jpg", ["sub/c.jpg", "sub/deep/d.jpg"]),
        ("in/sub/**", ["sub/c.jpg", "sub/deep/d.jpg"]),
        ("in/nothing/*.jpg", []),
        ("in/*/../../*.jpg", []),
        ("in/*.jpg/", []),
    ],
)
def test_what_a_pattern_matches(storage: Storage, tree: str, pattern: str, expected: str) -> None:
    found = list(matches(storage, f"s3://{tree}/{pattern}"))
    assert found == [f"s3://{tree}/in/{name}" for name in expected]


def test_an_object_with_wildcards_in_its_name_is_no_pattern(storage: Storage, tree: str) -> None:
    assert not is_pattern(storage, f"s3://{tree}/in/x[1].jpg")
    assert is_pattern(storage, f"s3://{tree}/in/x[2].jpg")


def test_the_address_of_an_image_on_the_web_is_no_pattern(storage: Storage) -> None:
    assert not is_pattern(storage, "https://example.com/a.jpg?size=[1]*")


def test_a_pattern_stays_below_the_roots(tree: str) -> None:
    inside = storage_of(f"s3://{tree}/in/sub")
    assert list(matches(inside, f"s3://{tree}/in/sub/*.jpg")) == [f"s3://{tree}/in/sub/c.jpg"]
    for pattern in ("in/**", "*/sub/c.jpg", "in/su[b]/c.jpg"):
        with pytest.raises(PathRefused):
            matches(inside, f"s3://{tree}/{pattern}")


def test_a_pattern_in_a_missing_bucket_says_so(storage: Storage) -> None:
    with pytest.raises(SourceNotFound, match="no bucket s3://missing"):
        list(matches(storage, "s3://missing/*.jpg"))


def test_a_search_is_bounded(storage: Storage, tree: str) -> None:
    with pytest.raises(SearchTooLong):
        list(matches(storage, f"s3://{tree}/in/*", Search(most=3)))


def test_a_search_can_be_stopped(storage: Storage, tree: str) -> None:
    with pytest.raises(SearchStopped):
        list(matches(storage, f"s3://{tree}/in/**", Search(lambda: True)))


def test_a_listing_of_many_pages_is_read_to_its_end(
    server: S3Server, storage: Storage, bucket: str
) -> None:
    keys = [f"in/{number:02}.jpg" for number in range(14)]
    for key in keys:
        server.put(bucket, key, b"")
    found = list(matches(storage, f"s3://{bucket}/in/*.jpg"))
    assert found == [f"s3://{bucket}/{key}" for key in keys]
