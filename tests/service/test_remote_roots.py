"""Roots that are URLs, in the settings; and what lies on the web, through the same storage."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.environment import SettingsError
from service.jobs.places import Places
from service.jobs.templates import Template
from service.remote.urls import Url, parse
from service.settings import load_settings
from service.storage import PathRefused, SourceNotFound, places
from tests.object_store import storage_of
from tests.service.web_reading import fresh_connections
from tests.service.web_server import WebServer, moved, ok


def test_folders_and_urls_are_roots_together() -> None:
    settings = load_settings(read_roots="in,S3://photos/2026/,https://*").storage
    assert settings.read_roots == (Path("in"), Url("s3", "photos", "2026"), Url("https", "*"))


@pytest.mark.parametrize(
    "roots",
    [
        "ftp://host/folder",
        "s3://",
        "s3://photos/*",
        "s3://photos/a/../b",
        "s3://*",
        "https://host/?key=1",
        "https://*.host",
        "az://account.dfs.core.windows.net",
        "https://",
        "out,,s3://photos",
    ],
)
def test_a_root_that_is_no_url_is_refused_at_the_start(roots: str) -> None:
    with pytest.raises(SettingsError, match=r"DARKROOM_READ_ROOTS=.* URLs such as s3://bucket"):
        load_settings(read_roots=roots)


def test_a_web_server_is_no_root_to_write_to() -> None:
    with pytest.raises(SettingsError, match="DARKROOM_WRITE_ROOTS='https://host': expected"):
        load_settings(write_roots="https://host")


def test_a_password_in_a_root_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as found:
        load_settings(write_roots="s3://user:not-shown@photos")
    assert "not-shown" not in str(found.value)


@pytest.mark.parametrize(("root", "package"), [("gs://photos", "gcsfs"), ("az://photos", "adlfs")])
def test_a_package_that_is_missing_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, root: str, package: str
) -> None:
    found = importlib.util.find_spec
    missing = {package: None}
    monkeypatch.setattr(
        "service.settings.storage.find_spec", lambda name: missing.get(name, found("json"))
    )
    command = rf"{package}, which is not installed: pip install -r requirements-clouds\.txt"
    with pytest.raises(SettingsError, match=command):
        load_settings(write_roots=root)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("S3://photos/a.jpg", "s3://photos/a.jpg"),
        ("HTTPS://Example.COM:443/a/./b/../c.jpg#x", "https://example.com/a/c.jpg"),
        ("http://example.com:8080/a.jpg?size=1", "http://example.com:8080/a.jpg?size=1"),
        ("http://127.1/a.jpg", "http://127.0.0.1/a.jpg"),
    ],
)
def test_a_url_has_one_normal_form(text: str, normal: str) -> None:
    assert str(parse(text)) == normal
    assert Places().of(text) == normal


@pytest.mark.parametrize(
    ("template", "source", "output"),
    [
        ("{parent}/{stem}.webp", "s3://photos/2026/a.b.jpg", "s3://photos/2026/a.b.webp"),
        ("out/{parent}/{name}", "s3://photos/2026/a.jpg", "out/photos/2026/a.jpg"),
        ("s3://made/{parent}/{name}", "s3://photos/2026/a.jpg", "s3://made/photos/2026/a.jpg"),
        ("s3://made/{parent}/{name}", "in/a.jpg", "s3://made/in/a.jpg"),
        ("out/{stem}.{ext}", "https://example.com/a.jpg?size=1.5", "out/a.jpg"),
    ],
)
def test_a_template_is_filled_with_the_parts_of_a_url(
    template: str, source: str, output: str
) -> None:
    assert Template(template).fill(source, 0, escaped=False) == output


@pytest.mark.parametrize(
    ("root", "url", "allowed"),
    [
        ("https://*", "https://example.com/a.jpg", True),
        ("https://*", "https://[2606:4700::1]/a.jpg", True),
        ("https://*", "https://example.com:8443/a.jpg", False),
        ("https://*", "https://[2606:4700::1]:8443/a.jpg", False),
        ("https://*", "http://example.com/a.jpg", False),
        ("https://[2606:4700::1]", "https://[2606:4700::1]/a.jpg", True),
        ("https://example.com", "https://example.com:8443/a.jpg", False),
        ("https://example.com:8443", "https://example.com:8443/a.jpg", True),
        ("https://example.com", "https://sub.example.com/a.jpg", False),
        ("https://example.com/a", "https://example.com/a/b.jpg", True),
        ("https://example.com/a", "https://example.com/ab.jpg", False),
        ("https://example.com/a", "https://example.com/a/../b.jpg", False),
        ("https://example.com/a", "https://example.com/a/..%2fb.jpg", False),
        ("https://example.com/a", r"https://example.com\@other.com/a/b.jpg", False),
        ("s3://photos", "s3://photos-private/a.jpg", False),
        ("s3://photos/in", "s3://photos/in/a.jpg", True),
        ("s3://photos/in", "gs://photos/in/a.jpg", False),
    ],
)
def test_what_a_root_allows(root: str, url: str, allowed: bool) -> None:
    storage = storage_of(root)
    if allowed:
        assert storage.resolve_input(url) == url
        return
    with pytest.raises(PathRefused):
        storage.resolve_input(url)


def test_several_results_of_a_url_are_numbered_beside_it() -> None:
    assert places("s3://made/a.b.png", 2) == ["s3://made/a.b_1.png", "s3://made/a.b_2.png"]


# --- the web -----------------------------------------------------------------------------------


@pytest.fixture
def web() -> Iterator[WebServer]:
    with fresh_connections(), WebServer() as server:
        yield server


def test_an_image_on_the_web_is_read_below_its_root(web: WebServer) -> None:
    storage = storage_of(web.url("/photos/"))
    url = web.url("/photos/a.jpg?size=1", ok(b"content"))
    assert storage.read(url) == b"content"
    assert storage.read(url, 3) == b"con"
    with pytest.raises(SourceNotFound):
        storage.read(web.url("/photos/no.jpg"))


@pytest.mark.parametrize(
    "path",
    ["/secret.jpg", "/photos", "/photosecret.jpg", "/photos/../secret.jpg", "/photos/%2e%2e/s.jpg"],
)
def test_what_lies_beside_a_root_on_the_web_is_not_asked_for(web: WebServer, path: str) -> None:
    with pytest.raises(PathRefused):
        storage_of(web.url("/photos")).read(web.url(path))
    assert web.asked == []


def test_a_redirect_stays_below_the_roots(web: WebServer) -> None:
    url = web.url("/photos/a.jpg", moved("/secret.jpg"))
    with pytest.raises(PathRefused):
        storage_of(web.url("/photos")).read(url)
    assert web.requests("/secret.jpg") == []


def test_nothing_is_written_to_the_web(web: WebServer) -> None:
    with pytest.raises(PathRefused, match="may not be written"):
        storage_of(web.url("/photos")).write(web.url("/photos/a.jpg"), [b""], "token")


def test_a_refusal_has_no_query_in_it() -> None:
    with pytest.raises(PathRefused) as found:
        storage_of("https://example.com").read("https://other.com/a.jpg?signature=secret")
    assert str(found.value).startswith("https://other.com/a.jpg may not be read")
