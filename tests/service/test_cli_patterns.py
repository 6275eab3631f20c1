"""Patterns and templates of `python main.py batch`."""

from pathlib import Path

import pytest

from service.cli import patterns
from service.cli.patterns import PatternError, Template, folder_of
from service.cli.requests import Arguments, request_of, settings_for


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a few files."""
    for name in ("b.jpg", "a.jpg", "a.png", "deep/er/c.jpg", "odd[1].jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expand(given: list[str]) -> list[str]:
    """The files of patterns of which none is a URL."""
    return patterns.expand(given, find_remote=pytest.fail)


def test_matches_come_sorted_pattern_by_pattern() -> None:
    assert expand(["[ab].png", "[ab].jpg"]) == ["a.png", "a.jpg", "b.jpg"]


def test_a_file_that_two_patterns_match_comes_once() -> None:
    assert expand(["a.*", "a.jpg"]) == ["a.jpg", "a.png"]


def test_two_stars_search_all_folders_below() -> None:
    assert "deep/er/c.jpg" in expand(["**/*.jpg"])


def test_a_folder_is_no_match() -> None:
    assert "folder.jpg" not in expand(["*.jpg"])


def test_a_file_with_brackets_in_its_name_is_found_by_it() -> None:
    assert expand(["odd[1].jpg"]) == ["odd[1].jpg"]


def test_a_tilde_is_the_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "deep"))
    assert expand(["~/er/*.jpg"]) == [str(folder / "deep/er/c.jpg")]


def test_a_pattern_that_matches_nothing_is_named() -> None:
    with pytest.raises(PatternError, match=r"--input '\*\.tif': no file matches$"):
        expand(["*.jpg", "*.tif"])


def test_a_folder_as_pattern_gets_a_hint() -> None:
    with pytest.raises(PatternError, match=r"it is a folder, write 'deep/\*'"):
        expand(["deep"])


@pytest.mark.parametrize(
    ("pattern", "above"),
    [
        ("*.jpg", "."),
        ("a.jpg", "."),
        ("odd[1].jpg", "."),
        ("deep/**/*.jpg", "deep"),
        ("deep/e?/c.jpg", "deep"),
        ("/photos/[0-9]/x/*.jpg", "/photos"),
        ("../*/a.jpg", ".."),
    ],
)
def test_the_folder_of_a_pattern_is_above_its_first_wildcard(pattern: str, above: str) -> None:
    assert folder_of(pattern) == Path(above)


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("out/{stem}_small.webp", "out/tree.v2_small.webp"),
        ("out/{name}", "out/tree.v2.jpeg"),
        ("{parent}/{stem}.{ext}", "in/2024/tree.v2.jpeg"),
        ("out/{parent}/x.png", "out/in/2024/x.png"),
        ("out/{index}.png", "out/7.png"),
        ("out/{index:04}.png", "out/0007.png"),
        ("out/{{{stem}}}.png", "out/{tree.v2}.png"),
        ("out/", "out/tree.v2.jpeg"),
        ("deep", "deep/tree.v2.jpeg"),
    ],
)
def test_a_template_is_filled(template: str, output: str) -> None:
    assert Template(template).fill("in/2024/tree.v2.jpeg", 7) == output


@pytest.mark.parametrize("field", ["stm", "", "0", "stem.__class__", "name[0]", "stem!r"])
def test_an_unknown_placeholder_is_refused_with_the_known_ones(field: str) -> None:
    with pytest.raises(PatternError) as caught:
        Template(f"out/{{{field}}}.png")
    assert "{stem}, {name}, {parent}, {ext}, {index}" in str(caught.value)


@pytest.mark.parametrize("template", ["out/{stem.png", "out/stem}.png", "out/{stem:d}.png"])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(PatternError, match="--output 'out/"):
        Template(template)


@pytest.mark.parametrize(
    ("template", "folders"),
    [
        ("out/small/{stem}.png", ["out/small"]),
        ("{stem}.png", ["."]),
        ("out/p{index}/x.png", ["out"]),
        ("{parent}/{stem}_small.png", ["in"]),
        ("/elsewhere/x.png", ["/elsewhere"]),
    ],
)
def test_the_folders_of_a_template_are_those_it_names(template: str, folders: list[str]) -> None:
    assert Template(template).folders([Path("in")]) == [Path(name) for name in folders]


def test_patterns_become_pairs_in_order() -> None:
    request = request_of(Arguments(["[ab].jpg"], "out/{index}_{stem}.webp"))
    pairs = [(image.input, image.output) for image in request.images]
    assert pairs == [("a.jpg", "out/0_a.webp"), ("b.jpg", "out/1_b.webp")]


def test_options_say_the_same_as_a_request() -> None:
    arguments = Arguments(
        ["a.jpg"], "out/", ["resize=0.5"], {"quality": 70}, fidelity="exact", on_invalid="skip"
    )
    request = request_of(arguments)
    assert [operation.text() for operation in request.operations] == ["resize=0.5"]
    assert (request.encode.quality, request.fidelity, request.on_invalid) == (70, "exact", "skip")


def test_typed_folders_join_the_roots_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_READ_ROOTS", "photos")
    monkeypatch.setenv("DARKROOM_WRITE_ROOTS", "results")
    roots = settings_for(Arguments(["/elsewhere/*.jpg"], "here/{stem}.webp")).storage
    assert roots.read_roots == (Path("photos"), Path("/elsewhere"))
    assert roots.write_roots == (Path("results"), Path("here"))


def test_a_request_file_leaves_the_roots_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_READ_ROOTS", "photos")
    assert settings_for(Arguments()).storage.read_roots == (Path("photos"),)
