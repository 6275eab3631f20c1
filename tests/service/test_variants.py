"""Several results of each image in a batch."""

import re
from pathlib import Path
from typing import Any

import cv2
import pytest
from fastapi.testclient import TestClient

from tests.service.batching import ADDRESS, files, refused

JOB = {"Prefer": "wait=30"}


@pytest.fixture
def out(workspace: Path, tmp_path: Path) -> Path:
    return workspace / "out" / "variants" / tmp_path.name


@pytest.fixture
def photo(workspace: Path) -> str:
    return str(workspace / "in/photo.jpg")


def done(client: TestClient, body: dict[str, Any], **headers: str) -> Any:
    response = client.post(ADDRESS, json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.iterdir():
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image is not None
        found[path.name] = (image.shape[1], image.shape[0])
    return found


@pytest.mark.parametrize("headers", [{}, JOB], ids=["waiting", "job"])
def test_variants_of_the_batch_are_templates(
    client: TestClient, photo: str, out: Path, headers: dict[str, str]
) -> None:
    body = {
        "images": [{"input": photo}],
        "operations": ["grayscale"],
        "variants": [
            {"output": f"{out}/{{stem}}_{{width}}.webp", "operations": ["resize=80x"]},
            {"output": f"{out}/{{stem}}_thumb.png", "operations": ["resize=20x", "rotate=90"]},
            {"output": f"{out}/{{stem}}.{{ext}}"},
        ],
    }
    answer = done(client, body, **headers)
    assert sizes(out) == {
        "photo_80.webp": (80, 60),
        "photo_thumb.png": (15, 20),
        "photo.jpg": (160, 120),
    }
    (result,) = answer["results"]
    assert [Path(output["path"]).name for output in result["outputs"]] == [
        "photo_80.webp",
        "photo_thumb.png",
        "photo.jpg",
    ]


def test_an_image_may_have_variants_of_its_own(client: TestClient, photo: str, out: Path) -> None:
    own = [{"output": f"{out}/own {{x}}.png", "operations": ["resize=0.5"]}]
    body = {
        "images": [
            {"input": photo, "variants": own},
            {"input": photo, "output": f"{out}/whole.jpg"},
        ],
        "variants": [{"output": f"{out}/of_all_{{index}}.png", "operations": ["resize=0.25"]}],
    }
    done(client, body)
    assert sizes(out) == {
        "own {x}.png": (80, 60),
        "whole.jpg": (160, 120),
        "of_all_1.png": (40, 30),
    }


def test_encode_options_of_a_variant_go_before_those_of_the_batch(
    client: TestClient, photo: str, out: Path
) -> None:
    variants = [
        {"output": f"{out}/a.jpg"},
        {"output": f"{out}/b.jpg", "encode": {"quality": 10}},
        {"output": f"{out}/c.jpg", "encode": {"progressive": True}},
    ]
    body = {"images": [{"input": photo}], "encode": {"quality": 95}, "variants": variants}
    answer = done(client, body, **JOB)
    large, small, progressive = (one["bytes"] for one in answer["results"][0]["outputs"])
    assert small < progressive / 2
    assert abs(large - progressive) < large / 4


def test_a_split_in_a_variant_is_numbered(client: TestClient, photo: str, out: Path) -> None:
    variants = [{"output": f"{out}/a.png", "operations": ["split=1,2"]}, {"output": f"{out}/b.png"}]
    done(client, {"images": [{"input": photo}], "variants": variants})
    assert files(out) == {"a_1.png", "a_2.png", "b.png"}


def test_a_variant_that_fails_leaves_nothing_of_the_others(
    client: TestClient, photo: str, out: Path
) -> None:
    variants = [
        {"output": f"{out}/a.png"},
        {"output": f"{out}/b.png", "operations": ["flip", "crop=1000,0,10,10"]},
    ]
    answer = done(client, {"images": [{"input": photo}], "variants": variants})
    (result,) = answer["results"]
    assert result["status"] == "failed"
    assert [fault["pointer"] for fault in result["error"]["errors"]] == ["/variants/1/operations/1"]
    assert files(out) == set()


def test_a_variant_that_cannot_be_written_takes_the_others_away(
    client: TestClient, photo: str, out: Path
) -> None:
    (out / "b.png").mkdir(parents=True)
    variants = [{"output": f"{out}/a.png"}, {"output": f"{out}/b.png"}]
    answer = done(client, {"images": [{"input": photo}], "variants": variants})
    assert answer["counts"]["failed"] == 1
    assert files(out) == {"b.png"}


def test_a_failure_leaves_what_was_there_before(
    client: TestClient, photo: str, out: Path
) -> None:
    (out / "b.png").mkdir(parents=True)
    (out / "a.jpg").write_bytes(Path(photo).read_bytes())
    for variants in (
        [{"output": f"{out}/a.jpg", "operations": ["flip"]}, {"output": f"{out}/b.png"}],
        [{"output": f"{out}/a.jpg", "operations": ["flip"]}, {"output": "/outside/x.png"}],
    ):
        answer = done(client, {"images": [{"input": photo, "variants": variants}]})
        assert answer["counts"]["failed"] == 1
        assert (out / "a.jpg").read_bytes() == Path(photo).read_bytes()
    assert files(out) == {"a.jpg", "b.png"}


def test_steps_that_are_left_out_of_an_images_own_variants_fail_nothing(
    client: TestClient, photo: str, out: Path
) -> None:
    own = [{"output": f"{out}/a.png", "operations": ["crop=1000,0,10,10"]}]
    images = [{"input": photo, "variants": own}, {"input": photo, "output": f"{out}/b.png"}]
    answer = done(client, {"images": images, "on_invalid": "skip"})
    assert answer["counts"]["succeeded"] == 2
    assert [one["pointer"] for one in answer["results"][0]["warnings"]] == [
        "/variants/0/operations/0"
    ]


def test_operations_of_an_images_own_variants_are_counted(
    client: TestClient, photo: str, out: Path
) -> None:
    def posterized() -> float:
        text = client.get("/metrics").text
        found = re.findall(r'darkroom_operations_total{operation="posterize"} (\S+)', text)
        return float(found[0]) if found else 0.0

    before = posterized()
    own = [{"output": f"{out}/a.png", "operations": ["posterize=4"]}]
    done(client, {"images": [{"input": photo, "variants": own}]})
    assert posterized() == before + 1


def test_variants_that_write_one_path_are_told(client: TestClient, photo: str, out: Path) -> None:
    variants = [{"output": f"{out}/a.png"}, {"output": f"{out}/a.png"}]
    answer = done(client, {"images": [{"input": photo, "variants": variants}]})
    assert "an earlier image" in answer["results"][0]["error"]["detail"]


def test_variants_may_differ_by_their_size_alone(client: TestClient, photo: str, out: Path) -> None:
    output = f"{out}/{{stem}}_{{width}}.png"
    sizes = ["resize=80x", "resize=40x"]
    variants = [{"output": output, "operations": [size]} for size in sizes]
    done(client, {"images": [{"input": photo}], "variants": variants})
    assert files(out) == {"photo_80.png", "photo_40.png"}
    answer = done(client, {"images": [{"input": photo}], "variants": [*variants, variants[0]]})
    assert "sizes are equal" in answer["results"][0]["error"]["detail"]


def test_an_image_without_an_output_is_refused(client: TestClient, photo: str) -> None:
    images = [{"input": photo, "output": "out/a.png"}, {"input": photo}]
    faults = refused(client.post(ADDRESS, json={"images": images}))
    assert [pointer for pointer, _ in faults] == ["/images/1/output"]


@pytest.mark.parametrize(
    ("variant", "pointer"),
    [
        ({"output": "out/{nothing}.png"}, "/variants/0/output"),
        ({"output": "out/{width}/a.png"}, "/variants/0/output"),
        ({"output": "out/a.png", "operations": ["sharpe"]}, "/variants/0/operations/0"),
        ({"output": "out/a.png", "operation": []}, "/variants/0/operation"),
        ({"operations": []}, "/variants/0/output"),
    ],
)
def test_a_wrong_variant_is_refused(
    client: TestClient, photo: str, variant: dict[str, Any], pointer: str
) -> None:
    body = {"images": [{"input": photo}], "variants": [variant]}
    assert [at for at, _ in refused(client.post(ADDRESS, json=body))] == [pointer]


def test_a_plan_has_an_entry_for_each_variant(client: TestClient, photo: str, out: Path) -> None:
    variants = [
        {"output": f"{out}/{{stem}}_{{width}}.webp", "operations": ["resize=80x"]},
        {"output": f"{out}/b.png"},
    ]
    body = {"images": [{"input": photo}], "operations": ["flip"], "variants": variants}
    answer = client.post("/v1/plan", json=body).json()
    assert [plan["variant"] for plan in answer["plans"]] == [0, 1]
    assert [plan["outputs"] for plan in answer["plans"]] == [
        [f"{out}/photo_80.webp"],
        [f"{out}/b.png"],
    ]
    steps = [(step["operation"], step["own"]) for step in answer["plans"][0]["steps"]]
    assert steps == [(0, False), (0, True)]
    assert files(out) == set()
