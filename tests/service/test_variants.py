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


def test_a_failure_leaves_what_was_there_before(client: TestClient, photo: str, out: Path) -> None:
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
    assert f"two results are written to {out}/a.png" in answer["results"][0]["error"]["detail"]


def test_variants_that_write_one_path_in_two_spellings_are_told(
    client: TestClient, photo: str, out: Path
) -> None:
    names = ["{width}.jpg", "{index}.jpg", "./{width}.jpg", ".//{height}.jpg"]
    variants = [{"output": f"{out}/{name}"} for name in names]
    answer = done(client, {"images": [{"input": photo}], "variants": variants})
    detail = answer["results"][0]["error"]["detail"]
    assert f"two results are written to {out}/./160.jpg" in detail
    assert files(out) == set()


def test_a_part_that_a_variant_is_named_after_is_told(
    client: TestClient, photo: str, out: Path
) -> None:
    parts = {"output": f"{out}/a.png", "operations": ["split=1,2"]}
    variants = [parts, {"output": f"{out}/a_2.png"}, {"output": f"{out}/b.png"}]
    answer = done(client, {"images": [{"input": photo, "variants": variants}]})
    assert f"two results are written to {out}/a_2.png" in answer["results"][0]["error"]["detail"]


def test_a_name_that_a_split_numbers_is_not_its_own(
    client: TestClient, photo: str, out: Path
) -> None:
    parts = {"output": f"{out}/a.png", "operations": ["split=1,2"]}
    done(client, {"images": [{"input": photo, "variants": [parts, {"output": f"{out}/a.png"}]}]})
    assert files(out) == {"a_1.png", "a_2.png", "a.png"}


def test_variants_may_differ_by_their_size_alone(client: TestClient, photo: str, out: Path) -> None:
    output = f"{out}/{{stem}}_{{width}}.png"
    sizes = ["resize=80x", "resize=40x"]
    variants = [{"output": output, "operations": [size]} for size in sizes]
    done(client, {"images": [{"input": photo}], "variants": variants})
    assert files(out) == {"photo_80.png", "photo_40.png"}
    answer = done(client, {"images": [{"input": photo}], "variants": [*variants, variants[0]]})
    detail = answer["results"][0]["error"]["detail"]
    assert f"two results are written to {out}/photo_80.png" in detail


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


# --- limits and leniency -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "variants", "operations", "detail"),
    [
        (501, 20, 0, "10,020 own variants, the limit is 10,000"),
        (11, 1, 1000, "11,000 operations in own variants, the limit is 10,000"),
    ],
    ids=["variants", "operations"],
)
def test_there_is_an_end_to_own_variants(
    client: TestClient, photo: str, images: int, variants: int, operations: int, detail: str
) -> None:
    own = {"output": "a.png", "operations": ["flip"] * operations}
    body = {"images": [{"input": photo, "variants": [own] * variants}] * images}
    ((pointer, said),) = refused(client.post(ADDRESS, json=body))
    assert pointer == "/images"
    assert said.endswith(f"{detail}: name them in the batch's `variants`")


@pytest.fixture
def lenient(photo: str, out: Path) -> dict[str, Any]:
    """Wrong operations in the second variant, and behind them one that does not fit."""
    wrong = ["flip", "no_such", "blur=-1", "crop=5000,0,9,9", "resize=80x"]
    return {
        "images": [{"input": photo}],
        "operations": ["no_such_either", "grayscale"],
        "variants": [{"output": f"{out}/a.png"}, {"output": f"{out}/b.png", "operations": wrong}],
        "on_invalid": "skip",
    }


@pytest.mark.parametrize("headers", [{}, JOB], ids=["waiting", "job"])
def test_wrong_operations_of_variants_are_left_out(
    client: TestClient, out: Path, lenient: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = done(client, lenient, **headers)
    assert [warning["pointer"] for warning in answer["warnings"]] == [
        "/operations/0",
        "/variants/1/operations/1",
        "/variants/1/operations/2",
    ]
    assert sizes(out) == {"a.png": (160, 120), "b.png": (80, 60)}
    (result,) = answer["results"]
    assert [warning["pointer"] for warning in result["warnings"]] == ["/variants/1/operations/3"]


def test_a_job_with_patterns_leaves_them_out_too(
    client: TestClient, workspace: Path, out: Path, lenient: dict[str, Any]
) -> None:
    lenient["images"] = [{"input": str(workspace / "in/phot[o].jpg")}]
    (result,) = done(client, lenient, **JOB)["results"]
    assert [warning["pointer"] for warning in result["warnings"]] == ["/variants/1/operations/3"]
    assert sizes(out) == {"a.png": (160, 120), "b.png": (80, 60)}


def test_what_a_plan_leaves_out_of_variants_is_said(
    client: TestClient, lenient: dict[str, Any]
) -> None:
    answer = client.post("/v1/plan", json=lenient).json()
    assert "/variants/1/operations/2" in [warning["pointer"] for warning in answer["warnings"]]
    assert [one["error"] for one in answer["plans"]] == [None, None]


def test_with_a_recipe_they_are_left_out_too(
    client: TestClient, out: Path, lenient: dict[str, Any]
) -> None:
    client.put("/v1/recipes/gray-variants", json={"operations": ["grayscale"]}).raise_for_status()
    del lenient["operations"]
    answer = done(client, lenient | {"recipe": "gray-variants"})
    assert [warning["pointer"] for warning in answer["warnings"]] == [
        "/variants/1/operations/1",
        "/variants/1/operations/2",
    ]
    assert sizes(out)["b.png"] == (80, 60)


def test_in_variants_of_an_image_they_are_errors(client: TestClient, photo: str, out: Path) -> None:
    own = [{"output": f"{out}/a.png", "operations": ["flip", "no_such"]}]
    body = {"images": [{"input": photo, "variants": own}], "on_invalid": "skip"}
    ((pointer, _),) = refused(client.post(ADDRESS, json=body))
    assert pointer == "/images/0/variants/0/operations/1"


# --- what a client is told -----------------------------------------------------------------------


@pytest.mark.parametrize("own", [False, True], ids=["batch", "image"])
@pytest.mark.parametrize(
    ("variant", "at", "said"),
    [
        ({"quux": 1}, "/quux", "known are output, operations, encode"),
        ({"encode": {"zzz": 1}}, "/encode/zzz", "known are format, quality"),
        ({"operations": [{"op": "blur", "zzz": 1}]}, "/operations/0/zzz", "known are kernel_size"),
        ({"encode": 5}, "/encode", "is not a JSON object"),
        ({"encode": None}, "/encode", "is not a JSON object"),
    ],
    ids=str,
)
def test_what_is_wrong_in_a_variant_is_named(
    client: TestClient, photo: str, own: bool, variant: dict[str, Any], at: str, said: str
) -> None:
    variants = [{"output": "a.png"} | variant]
    image: dict[str, Any] = {"input": photo}
    body = {"images": [image | {"variants": variants}]} if own else {"variants": variants}
    answer = client.post(ADDRESS, json={"images": [image]} | body)
    ((pointer, detail),) = refused(answer)
    assert pointer == f"{'/images/0' if own else ''}/variants/0{at}"
    assert said in detail


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"images": [], "variants": [5]}, "/variants/0"),
        ({"images": [{"input": "a", "variants": [None]}]}, "/images/0/variants/0"),
        ({"images": [5]}, "/images/0"),
        ({"images": [], "encode": None}, "/encode"),
    ],
    ids=str,
)
def test_what_is_no_object_is_said_to_be_none(
    client: TestClient, body: dict[str, Any], at: str
) -> None:
    assert refused(client.post(ADDRESS, json=body)) == [(at, "is not a JSON object")]


def test_the_known_keys_of_an_image_have_its_variants(client: TestClient) -> None:
    ((_, detail),) = refused(client.post(ADDRESS, json={"images": [{"input": "a", "zzz": 1}]}))
    assert detail.endswith("known are input, output, variants")


def test_an_images_own_output_is_no_variant_in_the_plan(
    client: TestClient, photo: str, out: Path
) -> None:
    images = [{"input": photo, "output": f"{out}/a.png"}]
    body = {"images": images, "variants": [{"output": f"{out}/b.png"}]}
    plans = client.post("/v1/plan", json=body).json()["plans"]
    assert [(plan["variant"], plan["outputs"]) for plan in plans] == [
        (None, [f"{out}/a.png"]),
        (0, [f"{out}/b.png"]),
    ]
