"""The library: a folder of images, its index, and each image processed on the fly."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from processors.operations.overlay import Watermark
from processors.plan import Pipeline
from service.library.content import etag_of
from service.library.folder import ImageFile
from service.remote.urls import parse_root
from service.storage import Storage
from tests.samples import photograph
from tests.service.storing import folder_of, jpeg
from tests.service.uploading import decoded, good, refused


@pytest.fixture
def folder(stored: TestClient) -> Iterator[Path]:
    """The library's folder, empty before and after."""
    found = folder_of(stored) / "library"
    yield found
    for path in sorted(found.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    scan(stored)


def scan(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = good(client.post("/v1/images/scan")).json()
    return found


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    names = ("added", "changed", "removed", "unchanged", "failed")
    return tuple(report[name] for name in names)


def listed(client: TestClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = good(client.get(f"/v1/images{query}")).json()["images"]
    return found


def paths(client: TestClient, query: str = "") -> list[str]:
    return [image["path"] for image in listed(client, query)]


def the_id(client: TestClient, path: str) -> str:
    return str(next(image["id"] for image in listed(client) if image["path"] == path))


# --- the index ---------------------------------------------------------------------------------


def test_a_scan_finds_what_is_known_of_an_image(stored: TestClient, folder: Path) -> None:
    (folder / "deep").mkdir()
    data = jpeg(160, 120)
    (folder / "deep/a b.JPG").write_bytes(data)
    assert counts(scan(stored)) == (1, 0, 0, 0, 0)
    (image,) = listed(stored)
    expected = {
        "path": "deep/a b.JPG",
        "width": 160,
        "height": 120,
        "megapixels": 0.0192,
        "format": "jpeg",
        "bytes": len(data),
        "channels": 3,
        "bit_depth": 8,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert {name: image[name] for name in expected} == expected
    assert len(image["perceptual_hash"]) == 16
    assert good(stored.get(f"/v1/images/{image['id']}")).json() == image


def test_a_second_scan_reads_only_what_changed(stored: TestClient, folder: Path) -> None:
    for name in "abc":
        (folder / f"{name}.jpg").write_bytes(jpeg(50, 40))
    scan(stored)
    (folder / "a.jpg").unlink()
    (folder / "b.jpg").write_bytes(jpeg(60, 40))
    (folder / "d.png").write_bytes(cv2.imencode(".png", photograph(30, 20))[1].tobytes())
    assert counts(scan(stored)) == (1, 1, 1, 1, 0)
    assert [(one["path"], one["width"]) for one in listed(stored)] == [
        ("b.jpg", 60),
        ("c.jpg", 50),
        ("d.png", 30),
    ]
    assert counts(scan(stored)) == (0, 0, 0, 3, 0)


def test_what_is_no_image_fails_alone(stored: TestClient, folder: Path) -> None:
    (folder / "good.jpg").write_bytes(jpeg())
    (folder / "text.jpg").write_text("no image")
    (folder / "notes.txt").write_text("not looked at")
    report = scan(stored)
    assert counts(report) == (1, 0, 0, 0, 1)
    (failure,) = report["failures"]
    assert (failure["path"], failure["error"]["status"]) == ("text.jpg", 415)


def test_an_image_that_is_spoilt_leaves_the_index(stored: TestClient, folder: Path) -> None:
    (folder / "a.jpg").write_bytes(jpeg())
    scan(stored)
    (folder / "a.jpg").write_text("spoilt")
    assert counts(scan(stored)) == (0, 0, 1, 0, 1)
    assert paths(stored) == []


def test_damaged_pixels_are_indexed_without_a_perceptual_hash(
    stored: TestClient, folder: Path
) -> None:
    (folder / "cut.jpg").write_bytes(jpeg(300, 200)[:4000])
    scan(stored)
    (image,) = listed(stored)
    assert (image["width"], image["perceptual_hash"]) == (300, None)


def test_links_out_of_the_library_are_not_followed(stored: TestClient, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.jpg").write_bytes(jpeg())
    (folder / "linked").symlink_to(outside)
    (folder / "file.jpg").symlink_to(outside / "secret.jpg")
    scan(stored)
    assert paths(stored) == []


def test_orientation_is_taken_into_account(stored: TestClient, folder: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (folder / "a.jpg").write_bytes(b"\xff\xd8" + segment + jpeg(160, 120)[2:])
    scan(stored)
    (image,) = listed(stored)
    assert (image["width"], image["height"]) == (120, 160)


# --- queries -----------------------------------------------------------------------------------


def test_a_query_by_dimensions_pages_through_the_library(stored: TestClient, folder: Path) -> None:
    for side in range(10, 20):
        (folder / f"{side}.jpg").write_bytes(jpeg(side, 20))
    scan(stored)
    found: list[int] = []
    query = "/v1/images?min_width=12&max_width=18&sort=-width&limit=3"
    address = query
    while address:
        page = good(stored.get(address)).json()
        assert page["total"] == 7
        found += [image["width"] for image in page["images"]]
        address = f"{query}&cursor={page['next']}" if page["next"] else ""
    assert found == list(range(18, 11, -1))


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?min_width=-1", "/min_width"),
        ("?limit=0", "/limit"),
        ("?limit=100000", "/limit"),
        ("?sort=colour", "/sort"),
        ("?format=pdf", "/format"),
        ("?minwidth=3", "/minwidth"),
    ],
)
def test_a_wrong_query_is_refused_where_it_is_wrong(
    stored: TestClient, query: str, pointer: str
) -> None:
    faults = refused(stored.get(f"/v1/images{query}"), 422, "invalid-request")
    assert [at.rpartition("/")[2] for at in faults] == [pointer.strip("/")]


def test_a_cursor_that_is_none_is_refused(stored: TestClient) -> None:
    refused(stored.get("/v1/images?cursor=x"), 422, "cursor-refused")


# --- content -----------------------------------------------------------------------------------


@pytest.fixture
def content(stored: TestClient, folder: Path) -> str:
    """The address of the content of an image of 160x120."""
    (folder / "a.jpg").write_bytes(jpeg(160, 120))
    scan(stored)
    return f"/v1/images/{the_id(stored, 'a.jpg')}/content"


def test_content_is_the_file_when_nothing_is_asked_for(stored: TestClient, content: str) -> None:
    answer = good(stored.get(content))
    assert (answer.content, answer.headers["content-type"]) == (jpeg(160, 120), "image/jpeg")


def test_content_is_processed_on_the_fly(stored: TestClient, content: str) -> None:
    query = "?operations=resize=0.5&operations=grayscale&format=png"
    answer = good(stored.get(content + query))
    assert answer.headers["content-type"] == "image/png"
    assert decoded(answer.content).shape == (60, 80)
    posted = stored.post(f"/v1/process{query}", content=jpeg(160, 120))
    np.testing.assert_array_equal(decoded(answer.content), decoded(posted.content))


def test_content_may_follow_the_accept_header(stored: TestClient, content: str) -> None:
    answer = good(stored.get(f"{content}?format=auto", headers={"Accept": "image/webp"}))
    assert (answer.headers["content-type"], answer.headers["vary"]) == ("image/webp", "Accept")
    other = good(stored.get(f"{content}?format=auto", headers={"Accept": "image/png"}))
    assert other.headers["etag"] != answer.headers["etag"]


def test_who_has_it_already_gets_no_body(stored: TestClient, content: str) -> None:
    first = good(stored.get(f"{content}?operations=resize=0.5"))
    assert first.headers["cache-control"] == "private, no-cache"
    headers = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    second = stored.get(f"{content}?operations=resize=0.5", headers=headers)
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    "query", ["?operations=resize=0.25", "?quality=50", "?format=png", "?fidelity=exact", ""]
)
def test_another_result_has_another_tag(stored: TestClient, content: str, query: str) -> None:
    first = good(stored.get(f"{content}?operations=resize=0.5")).headers["etag"]
    assert good(stored.get(content + query)).headers["etag"] != first


def test_a_file_that_changed_has_another_tag(
    stored: TestClient, content: str, folder: Path
) -> None:
    before = good(stored.get(content)).headers["etag"]
    (folder / "a.jpg").write_bytes(jpeg(80, 60))
    after = good(stored.get(content, headers={"If-None-Match": before}))
    assert decoded(after.content).shape == (60, 80, 3)


def test_another_watermark_has_another_tag(stored: TestClient, content: str) -> None:
    mark = folder_of(stored) / "mark.png"
    cv2.imwrite(str(mark), photograph(20, 20))
    query = f"{content}?operations=watermark={mark}"
    before = good(stored.get(query)).headers["etag"]
    cv2.imwrite(str(mark), photograph(30, 20))
    assert good(stored.get(query, headers={"If-None-Match": before})).headers["etag"] != before


def test_a_watermark_on_the_web_may_have_changed_each_time() -> None:
    file = ImageFile("a.jpg", 1, datetime.now(UTC))
    marked = Pipeline((("1", Watermark(path="https://images.example.com/mark.png")),))
    storage = Storage([parse_root("https://images.example.com")], (), 1)
    assert etag_of(file, marked, storage, "1") != etag_of(file, marked, storage, "1")


def test_a_file_that_is_gone_is_said_to_be(stored: TestClient, content: str, folder: Path) -> None:
    (folder / "a.jpg").unlink()
    refused(stored.get(content), 404, "source-not-found")


def test_wrong_operations_are_refused(stored: TestClient, content: str) -> None:
    refused(stored.get(f"{content}?operations=no_such_thing"), 422, "invalid-request")
    refused(stored.get(f"{content}?operations=crop=500,0,5,5"), 422, "step-failed")


def test_an_image_that_is_not_there_is_missing(stored: TestClient) -> None:
    for address in ("", "/content", "/similar"):
        refused(stored.get(f"/v1/images/abc{address}"), 404, "not-stored")


# --- adding and removing -----------------------------------------------------------------------


def upload(client: TestClient, name: str, data: bytes | None = None) -> httpx2.Response:
    return client.post("/v1/images", files={"file": (name, jpeg() if data is None else data)})


def test_an_upload_is_stored_and_indexed(stored: TestClient, folder: Path) -> None:
    answer = upload(stored, "new.jpg")
    assert answer.status_code == 201
    image = answer.json()
    assert answer.headers["location"] == f"/v1/images/{image['id']}"
    assert good(stored.get(answer.headers["location"])).json() == image
    assert (folder / "new.jpg").read_bytes() == jpeg()
    assert counts(scan(stored)) == (0, 0, 0, 1, 0)


def test_an_upload_never_overwrites(stored: TestClient, folder: Path) -> None:
    for width in (30, 40, 50):
        assert upload(stored, "new.jpg", jpeg(width, 20)).status_code == 201
    found = {one["path"]: one["width"] for one in listed(stored)}
    assert found == {"new.jpg": 30, "new_1.jpg": 40, "new_2.jpg": 50}


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\photos\\me.jpg", "me.jpg"),
        (".hidden.jpg", "hidden.jpg"),
        ("no extension", "no extension.jpg"),
        ("wrong.png", "wrong.png.jpg"),
        ("a<b>:c.jpg", "a_b__c.jpg"),
        ("été 🚲.jpg", "été 🚲.jpg"),
        ("x" * 400 + ".jpg", "x" * 200 + ".jpg"),
        ("...", "image.jpg"),
    ],
)
def test_an_upload_gets_a_safe_name(stored: TestClient, folder: Path, name: str, stem: str) -> None:
    assert upload(stored, name).json()["path"] == stem
    assert [path.name for path in folder.iterdir()] == [stem]


@pytest.mark.parametrize("data", [b"text", jpeg(300, 200)[:4000], b""], ids=["text", "cut", "none"])
def test_an_upload_that_is_no_image_leaves_nothing(
    stored: TestClient, folder: Path, data: bytes
) -> None:
    assert upload(stored, "bad.jpg", data).status_code in (400, 415, 422)
    assert list(folder.iterdir()) == []


def test_unknown_fields_of_an_upload_are_refused(stored: TestClient, folder: Path) -> None:
    form = {"files": {"file": ("a.jpg", jpeg())}, "data": {"title": "x"}}
    answer = stored.post("/v1/images", **form)  # type: ignore[arg-type]
    assert list(refused(answer, 422, "invalid-request")) == ["/title"]
    assert list(folder.iterdir()) == []


def test_a_raw_upload_is_named_by_the_query(stored: TestClient, folder: Path) -> None:
    answer = stored.post("/v1/images?name=raw.jpg", content=jpeg())
    assert (answer.status_code, answer.json()["path"]) == (201, "raw.jpg")


def test_removing_removes_the_file(stored: TestClient, folder: Path) -> None:
    id = upload(stored, "gone.jpg").json()["id"]
    assert stored.delete(f"/v1/images/{id}").status_code == 204
    assert list(folder.iterdir()) == []
    refused(stored.get(f"/v1/images/{id}"), 404, "not-stored")
    refused(stored.delete(f"/v1/images/{id}"), 404, "not-stored")


def test_removing_leaves_what_lies_behind_a_link(stored: TestClient, folder: Path) -> None:
    """A folder that became a link since the scan leads out of the library."""
    (folder / "deep").mkdir()
    (folder / "deep/a.jpg").write_bytes(jpeg())
    scan(stored)
    id = the_id(stored, "deep/a.jpg")
    outside = folder.parent / "elsewhere"
    (folder / "deep").rename(outside)
    (folder / "deep").symlink_to(outside)
    headers = {"If-None-Match": "*"}
    refused(stored.get(f"/v1/images/{id}/content", headers=headers), 404, "source-not-found")
    assert stored.get(f"/v1/images/{id}/content").status_code in (403, 404)
    stored.delete(f"/v1/images/{id}")
    assert (outside / "a.jpg").exists()
    shutil.rmtree(outside)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
@pytest.mark.parametrize("query", ["", "?operations=resize=0.5", "?format=auto"])
def test_what_took_the_place_of_a_file_is_not_read(
    stored: TestClient, content: str, folder: Path, kind: str, query: str
) -> None:
    (folder / "a.jpg").rename(folder.parent / "moved.jpg")
    if kind == "pipe":
        os.mkfifo(folder / "a.jpg")
    elif kind == "folder":
        (folder / "a.jpg").mkdir()
    else:
        (folder / "a.jpg").symlink_to(folder.parent / "moved.jpg")
    refused(stored.get(content + query), 404, "source-not-found")


def test_a_folder_in_the_place_of_a_file_stays(stored: TestClient, folder: Path) -> None:
    id = upload(stored, "a.jpg").json()["id"]
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").mkdir()
    assert stored.delete(f"/v1/images/{id}").status_code == 204
    assert (folder / "a.jpg").is_dir()


def test_an_upload_into_what_is_no_folder_is_refused(stored: TestClient, folder: Path) -> None:
    folder.rmdir()
    folder.write_text("a file")
    refused(upload(stored, "a.jpg"), 422, "output-unwritable")
    assert counts(scan(stored)) == (0, 0, 0, 0, 0)
    folder.unlink()
    assert upload(stored, "a.jpg").status_code == 201


# --- similar images ----------------------------------------------------------------------------


def test_similar_images_are_found_nearest_first(stored: TestClient, folder: Path) -> None:
    picture = photograph(200, 160)
    noisy = cv2.GaussianBlur(picture, (9, 9), 3)
    for name, image in (
        ("one.png", picture),
        ("small.jpg", cv2.resize(picture, (100, 80), interpolation=cv2.INTER_AREA)),
        ("soft.jpg", noisy),
        ("other.png", picture[::-1]),
    ):
        cv2.imwrite(str(folder / name), image)
    scan(stored)
    id = the_id(stored, "one.png")
    found = good(stored.get(f"/v1/images/{id}/similar?distance=12")).json()
    assert {one["image"]["path"] for one in found} == {"small.jpg", "soft.jpg"}
    distances = [one["distance"] for one in found]
    assert distances == sorted(distances)
    assert good(stored.get(f"/v1/images/{id}/similar?distance=64&limit=1")).json() == found[:1]
