"""Patterns in a batch: the server finds the images."""

import os
from contextlib import chdir
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from schemas.batches import BatchRequest
from service.jobs.expansion import BatchRefused, images_of
from service.jobs.templates import Template, TemplateError
from service.jobs.walking import Search, SearchStopped, SearchTooLong, is_pattern, matches
from service.routers import plans
from service.storage import PathRefused, Storage
from tests.live import LiveServer
from tests.service.batching import ADDRESS, files, refused
from tests.service.labyrinths import labyrinth
from tests.service.storing import folder_of, jpeg

JOB = {"Prefer": "respond-async"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Some files below `in`, and one beside it."""
    for name in (
        "b.jpg",
        "a.jpg",
        "a.png",
        ".hidden.jpg",
        "sub/c.jpg",
        "sub/deep/d.jpg",
        "x[1].jpg",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "secret.jpg").touch()
    (tmp_path / "in/out.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    return tmp_path


def storage(tree: Path) -> Storage:
    with chdir(tree):  # where relative paths start
        return Storage([tree / "in"], [tree / "out"], 1 << 20)


def found(tree: Path, pattern: str, search: Search | None = None) -> list[str]:
    return list(matches(storage(tree), pattern, search))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", ["in/a.jpg", "in/b.jpg", "in/out.jpg", "in/x[1].jpg"]),
        ("in/?.*", ["in/a.jpg", "in/a.png", "in/b.jpg"]),
        ("in/[ab].jpg", ["in/a.jpg", "in/b.jpg"]),
        ("in/.*.jpg", ["in/.hidden.jpg"]),
        ("in/*/c.jpg", ["in/sub/c.jpg"]),
        ("in/**/[a-d].jpg", ["in/a.jpg", "in/b.jpg", "in/sub/c.jpg", "in/sub/deep/d.jpg"]),
        ("in/**/**/d.jpg", ["in/sub/deep/d.jpg"]),
        ("in/**/sub/**/*.jpg", ["in/sub/c.jpg", "in/sub/deep/d.jpg"]),
        ("in/sub/**", ["in/sub/c.jpg", "in/sub/deep/d.jpg"]),
        ("in/nothing/*.jpg", []),
        ("in/*/../../*.jpg", []),
        ("in/*/../b.jpg", []),
        ("in/*.jpg/", []),
        ("in/**/", []),
    ],
)
def test_what_a_pattern_matches(tree: Path, pattern: str, expected: list[str]) -> None:
    assert sorted(found(tree, pattern)) == expected
    absolute = [str(tree / path) for path in expected]
    assert sorted(found(tree, f"{tree}/{pattern}")) == absolute


@pytest.mark.parametrize("pattern", ["*.jpg", "../*/*.jpg", "/etc/*", "/*"])
def test_a_pattern_outside_the_roots_is_refused(tree: Path, pattern: str) -> None:
    with pytest.raises(PathRefused):
        found(tree, pattern)


def test_a_link_out_of_the_roots_shows_no_names(tree: Path) -> None:
    (tree / "in/away").symlink_to("/usr")
    assert found(tree, "in/*/bin/*") == []
    with pytest.raises(PathRefused):
        found(tree, "in/away/*")


def test_a_name_that_is_no_text_is_left_out(tree: Path) -> None:
    Path(os.fsdecode(os.fsencode(tree) + b"/in/sub/\xff.jpg")).touch()
    assert found(tree, "in/sub/*.jpg") == ["in/sub/c.jpg"]


def test_the_files_of_a_folder_come_before_those_below_it(tree: Path) -> None:
    (tree / "in/a").mkdir()
    (tree / "in/a/e.jpg").touch()
    assert found(tree, "in/**/[a-e].jpg") == [
        "in/a.jpg",
        "in/b.jpg",
        "in/a/e.jpg",
        "in/sub/c.jpg",
        "in/sub/deep/d.jpg",
    ]


def test_a_link_to_itself_is_passed_over(tree: Path) -> None:
    (tree / "in/self.jpg").symlink_to("self.jpg")
    assert found(tree, "in/**/[as]*.jpg") == ["in/a.jpg"]
    assert found(tree, "in/*/c.jpg") == ["in/sub/c.jpg"]


def test_each_folder_is_looked_into_once_for_any_pattern(tree: Path) -> None:
    deep = "in/" + "a/" * 60
    (tree / deep).mkdir(parents=True)
    (tree / deep / "x.jpg").touch()
    pattern = f"in/{'**/a/' * 7}**/*.jpg"
    assert found(tree, pattern, Search(most=80)) == [f"{deep}x.jpg"]


def test_a_search_ends_when_it_has_looked_at_too_much(tree: Path) -> None:
    with pytest.raises(SearchTooLong, match="more than 5 files"):
        found(tree, "in/**/*.gif", Search(most=5))


def test_the_patterns_of_a_request_look_at_so_much_together(tree: Path) -> None:
    search = Search(most=4)
    assert found(tree, "in/sub/*.jpg", search) == ["in/sub/c.jpg"]
    assert found(tree, "in/sub/*.jpg", search) == ["in/sub/c.jpg"]
    with pytest.raises(SearchTooLong):
        found(tree, "in/sub/*.jpg", search)


def test_a_search_that_is_stopped_ends_in_the_middle(tree: Path) -> None:
    pattern = labyrinth(tree / "in/labyrinth")
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(len(asked) > 10)
        return asked[-1]

    with pytest.raises(SearchStopped):
        found(tree, pattern, Search(stopped))


def test_a_file_whose_name_has_wildcards_is_itself(tree: Path) -> None:
    assert not is_pattern(storage(tree), "in/x[1].jpg")
    assert is_pattern(storage(tree), "in/y[1].jpg")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("out/{stem}.webp", "out/a b.webp"),
        ("out/{parent}/{name}", "out/in/sub/a b.jpg"),
        ("out/{index:04}.{ext}", "out/0007.jpg"),
        ("out/{{{stem}}}.png", "out/{a b}.png"),
    ],
)
def test_what_a_template_is_filled_with(template: str, expected: str) -> None:
    assert Template(template).fill("in/sub/a b.jpg", 7, escaped=False) == expected


def test_what_is_open_in_a_template_is_filled_later() -> None:
    text = Template("out/{stem}_{{}}_{width:05}.webp").fill("in/{a}.jpg", 0, escaped=True)
    assert text.format(width=80, height=60) == "out/{a}_{}_00080.webp"


@pytest.mark.parametrize(
    "template",
    ["{what}", "{stem!r}", "{", "{0}", "{stem:>9}", "{index:99}", "{width}/a", "{stem.x}"],
)
def test_a_wrong_template_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        Template(f"out/{template}.png")


def expanded(tree: Path, most: int = 100, **body: Any) -> list[tuple[str, ...]]:
    request = BatchRequest.model_validate(body)
    images = images_of(request, storage(tree), most)
    return [(image.input, *image.outputs) for image in images]


def test_images_are_found_as_they_are_asked_for(tree: Path) -> None:
    request = BatchRequest.model_validate(
        {"images": [{"input": "in/**/*.jpg", "output": "{stem}"}]}
    )
    images = images_of(request, storage(tree), 100)
    assert next(images).input == "in/a.jpg"
    (tree / "in/zzz.jpg").touch()
    (tree / "in/sub/deep/late.jpg").touch()
    assert "in/sub/deep/late.jpg" in [image.input for image in images]


def test_patterns_and_paths_stand_side_by_side(tree: Path) -> None:
    images = [
        {"input": "in/[ab].jpg", "output": "out/{stem}_{index}.png"},
        {"input": "in/a.png", "output": "out/{literal}.png"},
    ]
    assert expanded(tree, images=images) == [
        ("in/a.jpg", "out/a_0.png"),
        ("in/b.jpg", "out/b_1.png"),
        ("in/a.png", "out/{literal}.png"),
    ]


@pytest.mark.parametrize(
    ("images", "pointer", "words"),
    [
        ([{"input": "in/a.*", "output": "out/{stem}.png"}], "/images/0", "both write out/a.png"),
        ([{"input": "in/a.*", "output": "out/{stem}_{width}.png"}], "/images/0", "both write"),
        ([{"input": "in/*.gif", "output": "out/{stem}"}], "/images/0/input", "no file matches"),
        ([{"input": "in/*.jpg/", "output": "out/{stem}"}], "/images/0/input", "/ at the end"),
        ([{"input": "*.gif", "output": "out/{stem}"}], "/images/0/input", "DARKROOM_READ_ROOTS"),
        ([{"input": "in/*", "output": "out/{stam}"}], "/images/0/output", "unknown placeholder"),
        ([{"input": "in/**/*.jpg", "output": "o/{index}"}], "/images/0", "DARKROOM_MAX_JOB_IMAGES"),
    ],
)
def test_what_is_refused(
    tree: Path, images: list[dict[str, str]], pointer: str, words: str
) -> None:
    with pytest.raises(BatchRefused, match=words) as caught:
        expanded(tree, most=4, images=images)
    assert caught.value.pointer == pointer


def test_the_query_of_an_address_is_not_told(tree: Path) -> None:
    inputs = ("https://images.example.com/b.jpg?key=hidden", "in/a.j*")
    images = [{"input": path, "output": "out/x.png"} for path in inputs]
    with pytest.raises(BatchRefused, match=r"^https://images\.example\.com/b\.jpg and in/a\.jpg "):
        expanded(tree, images=images)


def test_patterns_that_overlap_are_told_so(tree: Path) -> None:
    images = [{"input": pattern, "output": "out/{stem}.png"} for pattern in ("in/a.j*", "in/*.jpg")]
    with pytest.raises(BatchRefused, match=r"^in/a\.jpg matches twice, .* one input only$"):
        expanded(tree, images=images)


def test_a_search_that_looks_at_too_much_is_refused(tree: Path) -> None:
    images = [{"input": "in/**/*.gif", "output": "out/{stem}.png"}]
    request = BatchRequest.model_validate({"images": images})
    with pytest.raises(BatchRefused, match="begin the pattern with a folder") as caught:
        list(images_of(request, storage(tree), 100, Search(most=5)))
    assert caught.value.pointer == "/images/0/input"


# ------------------------------------------------------------------------------ over HTTP


@pytest.fixture
def folder(stored: TestClient, tmp_path: Path) -> Path:
    """A folder with `in/0.jpg` to `in/4.jpg`, and another for results."""
    folder = folder_of(stored) / tmp_path.name
    (folder / "in/sub").mkdir(parents=True)
    for number in range(5):
        (folder / f"in/{number}.jpg").write_bytes(jpeg(40 + number, 30))
    return folder


def out(folder: Path) -> Path:
    return folder.parent / "out" / folder.name


def body(folder: Path, output: str = "{stem}_{width}.png", **more: Any) -> dict[str, Any]:
    images = [{"input": f"{folder}/in/*.jpg", "output": f"{out(folder)}/{output}"}]
    return {"images": images, **more}


def ended(client: TestClient, id: str) -> Any:
    for line in client.get(f"/v1/jobs/{id}/events").text.splitlines():
        last = line
        if last == "event: end":
            break
    return client.get(f"/v1/jobs/{id}").json()


def test_a_pattern_is_expanded_by_the_job(stored: TestClient, folder: Path) -> None:
    answer = stored.post(ADDRESS, json=body(folder), headers=JOB)
    assert answer.status_code == 202
    job = ended(stored, answer.json()["id"])
    assert (job["state"], job["counts"]["total"], job["counts"]["succeeded"]) == ("completed", 5, 5)
    assert files(out(folder)) == {f"{n}_{40 + n}.png" for n in range(5)}


def test_who_waits_gets_the_results_of_a_pattern(stored: TestClient, folder: Path) -> None:
    answer = stored.post(ADDRESS, json=body(folder)).json()
    assert [Path(result["input"]).name for result in answer["results"]] == [
        f"{n}.jpg" for n in range(5)
    ]


def test_two_inputs_for_one_output_fail_the_job_before_anything_is_done(
    stored: TestClient, folder: Path
) -> None:
    id = stored.post(ADDRESS, json=body(folder, "same.png"), headers=JOB).json()["id"]
    job = ended(stored, id)
    assert job["state"] == "failed"
    assert "both write" in job["error"]["detail"]
    assert files(out(folder)) == set()


def test_who_waits_is_told_of_two_inputs_for_one_output(stored: TestClient, folder: Path) -> None:
    ((pointer, detail),) = refused(stored.post(ADDRESS, json=body(folder, "same.png")))
    assert pointer == "/images"
    assert "both write" in detail


def test_the_same_key_gives_the_same_job_though_files_have_come(
    stored: TestClient, folder: Path
) -> None:
    headers = {**JOB, "Idempotency-Key": folder.name}
    first = stored.post(ADDRESS, json=body(folder), headers=headers).json()
    ended(stored, first["id"])
    (folder / "in/9.jpg").write_bytes(jpeg(50, 30))
    second = stored.post(ADDRESS, json=body(folder), headers=headers).json()
    assert second["id"] == first["id"]
    assert second["counts"]["total"] == 5


def test_a_plan_of_a_pattern_has_its_images(stored: TestClient, folder: Path) -> None:
    plans = stored.post("/v1/plan", json=body(folder)).json()["plans"]
    assert [plan["outputs"] for plan in plans] == [
        [f"{out(folder)}/{n}_{40 + n}.png"] for n in range(5)
    ]


def test_a_plan_that_takes_too_long_is_refused(
    stored: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_MOST_SECONDS", 0.1)
    images = [{"input": labyrinth(folder / "labyrinth"), "output": "out/{stem}.png"}]
    ((pointer, detail),) = refused(stored.post("/v1/plan", json={"images": images}))
    assert pointer == "/images"
    assert "takes longer than 0.1 s" in detail


def test_plans_whose_clients_have_gone_are_not_waited_for(
    live: LiveServer, workspace: Path
) -> None:
    folder = workspace / "in/labyrinth"
    images = [{"input": labyrinth(folder), "output": "out/{stem}.png"}]
    for _ in range(4):
        with live.client(timeout=0.5) as client, pytest.raises(httpx2.ReadTimeout):
            client.post("/v1/plan", json={"images": images})
    images = [{"input": "in/photo.jpg", "output": "out/photo.png"}]
    with live.client(timeout=5) as client:
        assert client.post("/v1/plan", json={"images": images}).status_code == 200
    for link in folder.iterdir():
        link.unlink()
    folder.rmdir()
