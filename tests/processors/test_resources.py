"""Images beside the input: read each time, decoded once, never more than the limits allow."""

from collections.abc import Iterator

import numpy as np
import pytest

from processors import resources
from processors.errors import ResourceUnavailable
from processors.limits import Limits
from processors.resources import resource, set_reader
from tests.processors.files import file_of, oriented
from tests.resources import read_sample
from tests.samples import photograph

IMAGE = photograph(30, 20)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The reader of the other tests is there again afterwards."""
    yield
    set_reader(read_sample)


def read_from(files: dict[str, bytes], limits: Limits | None = None) -> None:
    set_reader(files.__getitem__, limits)


def test_without_a_reader_nothing_is_read() -> None:
    set_reader(None)
    with pytest.raises(ResourceUnavailable, match="no reader"):
        resource("a.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_upright(orientation: int) -> None:
    read_from({"a": oriented(IMAGE, orientation, "PNG")})
    assert np.array_equal(resource("a"), IMAGE)


def test_an_image_is_decoded_once_and_cannot_be_changed() -> None:
    read_from({"a": file_of(IMAGE), "b": file_of(IMAGE)})
    found = resource("a")
    assert resource("b") is found
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_a_new_file_at_the_same_path_counts() -> None:
    files = {"a": file_of(IMAGE)}
    read_from(files)
    resource("a")
    files["a"] = file_of(IMAGE[::-1])
    assert np.array_equal(resource("a"), IMAGE[::-1])


def test_the_least_used_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_CACHED_BYTES", 2 * IMAGE.nbytes)
    read_from({name: file_of(photograph(30, 20, seed=at)) for at, name in enumerate("abc")})
    first, second = resource("a"), resource("b")
    assert resource("a") is first
    resource("c")
    assert resource("a") is first
    assert resource("b") is not second


def test_an_image_over_the_bound_is_given_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_CACHED_BYTES", IMAGE.nbytes - 1)
    read_from({"a": file_of(IMAGE)})
    assert np.array_equal(resource("a"), IMAGE)
    assert resource("a") is not resource("a")


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        (file_of(IMAGE), Limits(max_pixels=599), "over the limit of 0.000599"),
        (file_of(IMAGE), Limits(max_bytes=100), "over the limit of 100"),
        (file_of(IMAGE)[:200], Limits(), "damaged"),
        (b"no image", Limits(), ""),
        (b"", Limits(), ""),
    ],
    ids=["pixels", "bytes", "truncated", "text", "empty"],
)
def test_what_cannot_be_used_is_named(data: bytes, limits: Limits, words: str) -> None:
    read_from({"logo.png": data}, limits)
    with pytest.raises(ResourceUnavailable, match=f"^logo.png cannot be used: .*{words}"):
        resource("logo.png")
