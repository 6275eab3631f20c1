"""`POST /v1/batches`: many images, one list of operations, one answer."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from schemas.batches import BatchResponse
from tests.samples import photograph
from tests.service import plain
from tests.service.batching import files, run


@pytest.fixture
def out(workspace: Path, tmp_path: Path) -> Path:
    """A folder of this test's own below the write root."""
    return workspace / "out" / "batches" / tmp_path.name


@pytest.fixture
def photo(workspace: Path) -> str:
    return str(workspace / "in/photo.jpg")


# ------------------------------------------------------------------------------- the answer


def test_the_shape_of_the_answer(client: TestClient, photo: str, out: Path) -> None:
    answer = run(client, [(photo, out / "a.webp"), ("missing.jpg", out / "b.jpg")], "resize=0.5")
    assert set(answer) == {"id", "state", "counts", "warnings", "results"}
    assert set(answer["counts"]) == {"total", "succeeded", "failed", "skipped"}
    for result in answer["results"]:
        keys = {"index", "input", "status", "outputs", "error", "timings", "warnings", "unchanged"}
        assert set(result) == keys
    good, bad = answer["results"]
    assert set(good["outputs"][0]) == {"path", "width", "height", "bytes", "format", "frames"}
    assert set(good["timings"]) == {"decode", "operations", "encode", "total", "steps"}
    assert set(bad["error"]) == {"type", "title", "status", "detail", "errors"}
    assert (good["error"], bad["timings"], bad["outputs"]) == (None, None, [])


def test_the_answer_fits_its_schema(client: TestClient, photo: str, out: Path) -> None:
    answer = run(client, [(photo, out / "a.png"), ("missing.jpg", out / "b.jpg")], "split")
    read = BatchResponse.model_validate_json(json.dumps(answer), strict=True)
    assert read.model_dump(mode="json") == answer


def test_the_values_of_the_answer(client: TestClient, photo: str, out: Path) -> None:
    answer = run(client, [(photo, out / "a.webp")], "resize=0.5")
    assert answer["state"] == "completed"
    assert answer["counts"] == {"total": 1, "succeeded": 1, "failed": 0, "skipped": 0}
    (result,) = answer["results"]
    assert (result["index"], result["input"], result["status"]) == (0, photo, "succeeded")
    path = out / "a.webp"
    assert result["outputs"] == [
        {
            "path": str(path),
            "width": 80,
            "height": 60,
            "bytes": path.stat().st_size,
            "format": "webp",
            "frames": 1,
        }
    ]
    timings = result["timings"]
    assert timings.pop("steps") == []  # decoding at half the size was all
    assert all(value >= 0 for value in timings.values())
    assert timings["total"] >= timings["decode"]


def test_each_step_is_timed(client: TestClient, photo: str, out: Path) -> None:
    (result,) = run(client, [(photo, out / "a.png")], "flip", "blur=9")["results"]
    steps = result["timings"]["steps"]
    assert [op for op, _ in steps] == ["flip", "blur"]
    assert sum(taken for _, taken in steps) <= result["timings"]["operations"] + 0.01


def test_each_batch_has_an_id_of_its_own(client: TestClient) -> None:
    assert len({run(client, [])["id"] for _ in range(5)}) == 5


def test_an_empty_batch_is_completed(client: TestClient) -> None:
    answer = run(client, [])
    assert answer["results"] == []
    assert answer["counts"] == {"total": 0, "succeeded": 0, "failed": 0, "skipped": 0}


def test_timings_are_milliseconds_of_the_worker(client: TestClient, photo: str, out: Path) -> None:
    timings = run(client, [(photo, out / "a.png")], "blur=25")["results"][0]["timings"]
    parts = timings["decode"] + timings["operations"] + timings["encode"]
    assert parts == pytest.approx(timings["total"], abs=0.01)


# ------------------------------------------------------------------------------- operations


def test_text_and_objects_are_mixed(client: TestClient, photo: str, out: Path) -> None:
    operations = [
        "resize=80x60",
        {"op": "flip", "direction": "vertical"},
        "crop=10,20,30,40",
        {"op": "blur", "kernel_size": 3},
        'rotate={"degrees": 90}',
    ]
    mixed = run(client, [(photo, out / "mixed.png")], *operations)
    texts = ["resize=80x60", "flip=vertical", "crop=10,20,30,40", "blur=3", "rotate=90"]
    run(client, [(photo, out / "texts.png")], *texts)
    assert (mixed["results"][0]["outputs"][0]["width"], files(out)) == (
        40,
        {"mixed.png", "texts.png"},
    )
    ours, theirs = (plain.load(out / name) for name in ("mixed.png", "texts.png"))
    assert np.array_equal(ours, theirs)


def test_a_split_gives_numbered_outputs(client: TestClient, photo: str, out: Path) -> None:
    (result,) = run(client, [(photo, out / "a.png")], "split=2,3")["results"]
    assert [Path(output["path"]).name for output in result["outputs"]] == [
        f"a_{number}.png" for number in range(1, 7)
    ]
    assert files(out) == {f"a_{number}.png" for number in range(1, 7)}


def test_encode_options_are_used(client: TestClient, photo: str, out: Path) -> None:
    low = run(client, [(photo, out / "low.jpg")], encode={"quality": 10})
    high = run(client, [(photo, out / "high.jpg")], encode={"quality": 95})
    sizes = [answer["results"][0]["outputs"][0]["bytes"] for answer in (low, high)]
    assert sizes[0] * 2 < sizes[1]


def test_the_format_wins_over_the_extension(client: TestClient, photo: str, out: Path) -> None:
    (result,) = run(client, [(photo, out / "a.bin")], encode={"format": "png"})["results"]
    assert result["outputs"][0]["format"] == "png"
    assert (out / "a.bin").read_bytes().startswith(b"\x89PNG")


def test_fidelity_exact_gives_the_pixels_of_plain_opencv(
    client: TestClient, workspace: Path, out: Path
) -> None:
    source = workspace / "in/photo.jpg"
    run(client, [(str(source), out / "a.png")], "resize=0.25", fidelity="exact")
    expected = cv2.resize(plain.load(source), (40, 30), interpolation=cv2.INTER_AREA)
    assert np.array_equal(plain.load(out / "a.png"), expected)


# ------------------------------------------------------------------------------- bad images


def test_one_bad_image_never_fails_the_others(
    client: TestClient, workspace: Path, photo: str, out: Path
) -> None:
    inside = workspace / "in"
    pairs = [
        (photo, out / "0.jpg"),
        (str(inside / "missing.jpg"), out / "1.jpg"),
        (str(inside / "truncated.jpg"), out / "2.jpg"),
        (str(inside / "text.jpg"), out / "3.jpg"),
        ("/etc/passwd", out / "4.jpg"),
        (photo, Path("/etc/darkroom.jpg")),
        (photo, out / "6.unknown"),
        (str(inside), out / "7.jpg"),
        ("a\0b", out / "8.jpg"),
        (photo, out / "9.jpg"),
    ]
    answer = run(client, pairs, "resize=0.5")
    assert answer["counts"] == {"total": 10, "succeeded": 2, "failed": 8, "skipped": 0}
    slugs = [result["error"] and result["error"]["type"] for result in answer["results"]]
    assert slugs == [
        None,
        "/problems/source-not-found",
        "/problems/damaged-image",
        "/problems/unsupported-format",
        "/problems/path-refused",
        "/problems/path-refused",
        "/problems/encode-failed",
        "/problems/path-refused",
        "/problems/path-refused",
        None,
    ]
    assert [result["index"] for result in answer["results"]] == list(range(10))
    assert files(out) == {"0.jpg", "9.jpg"}


def test_a_step_that_does_not_fit_one_image_names_itself(
    client: TestClient, workspace: Path, photo: str, out: Path
) -> None:
    tiny = workspace / "in" / "tiny.png"
    cv2.imwrite(str(tiny), photograph(8, 8))
    pairs = [(str(tiny), out / "a.png"), (photo, out / "b.png")]
    first, second = run(client, pairs, "flip", "crop=10,20,30,40")["results"]
    assert (first["status"], second["status"]) == ("failed", "succeeded")
    assert first["error"]["type"] == "/problems/step-failed"
    assert [fault["pointer"] for fault in first["error"]["errors"]] == ["/operations/1"]


def test_an_output_named_twice_is_written_once(client: TestClient, photo: str, out: Path) -> None:
    pairs = [(photo, out / "a.png"), (photo, out / "x" / ".." / "a.png"), (photo, out / "b.png")]
    answer = run(client, pairs, "resize=0.5")
    assert [result["status"] for result in answer["results"]] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    assert answer["results"][1]["error"]["type"] == "/problems/output-taken"


def test_an_output_that_is_its_input_is_replaced(client: TestClient, out: Path) -> None:
    out.mkdir(parents=True)
    path = out / "same.png"
    cv2.imwrite(str(path), photograph(64, 48))
    (result,) = run(client, [(str(path), path)], "resize=0.5")["results"]
    assert result["status"] == "succeeded"
    assert plain.load(path).shape == (24, 32, 3)
    assert files(out) == {"same.png"}


def test_2000_tiny_images_come_back_in_order(
    client: TestClient, workspace: Path, out: Path
) -> None:
    sources = []
    for number in range(7):
        path = workspace / "in" / f"tiny{number}.png"
        cv2.imwrite(str(path), photograph(8 + number, 8))
        sources.append(str(path))
    pairs = [(sources[n % 7], out / f"{n}.bmp") for n in range(2000)]
    answer = run(client, pairs, "flip")
    assert answer["counts"]["succeeded"] == 2000
    for number, result in enumerate(answer["results"]):
        (output,) = result["outputs"]
        assert (result["index"], result["input"]) == (number, sources[number % 7])
        assert (output["path"], output["width"]) == (str(out / f"{number}.bmp"), 8 + number % 7)
    assert len(files(out)) == 2000


# ------------------------------------------------------------------------------- on_invalid: skip


def test_skip_leaves_out_a_wrong_operation_and_warns(
    client: TestClient, photo: str, out: Path
) -> None:
    operations = ["resize=0.5", "no_such_thing", {"op": "blur", "kernel_size": -1}, "flip"]
    answer = run(client, [(photo, out / "a.png")], *operations, on_invalid="skip")
    assert [warning["pointer"] for warning in answer["warnings"]] == [
        "/operations/1",
        "/operations/2",
    ]
    assert all(set(warning) == {"pointer", "detail"} for warning in answer["warnings"])
    assert answer["results"][0]["outputs"][0]["width"] == 80


def test_skip_counts_an_unreadable_input_as_skipped(
    client: TestClient, photo: str, out: Path
) -> None:
    pairs = [("missing.jpg", out / "a.png"), (photo, out / "b.png")]
    answer = run(client, pairs, on_invalid="skip")
    assert answer["counts"] == {"total": 2, "succeeded": 1, "failed": 0, "skipped": 1}
    assert [result["status"] for result in answer["results"]] == ["skipped", "succeeded"]


def test_skip_warns_of_a_step_that_does_not_fit_one_image(
    client: TestClient, workspace: Path, photo: str, out: Path
) -> None:
    tiny = workspace / "in" / "tiny-for-skip.png"
    cv2.imwrite(str(tiny), photograph(8, 8))
    pairs = [(str(tiny), out / "a.png"), (photo, out / "b.png")]
    operations = ["nonsense", "flip", "crop=10,20,30,40"]
    answer = run(client, pairs, *operations, on_invalid="skip")
    first, second = answer["results"]
    assert (first["status"], second["status"]) == ("succeeded", "succeeded")
    assert [warning["pointer"] for warning in first["warnings"]] == ["/operations/2"]
    assert second["warnings"] == []


@pytest.mark.parametrize(
    ("source", "target", "pointer"),
    [
        ("missing.jpg", "a.png", "/images/0/input"),
        ("/etc/passwd", "a.png", "/images/0/input"),
        ("text.jpg", "a.png", "/images/0/input"),
        ("photo.jpg", "/etc/a.png", "/images/0/output"),
        ("photo.jpg", "a.xyz", "/images/0/output"),
    ],
)
def test_the_error_of_an_image_points_at_the_path_at_fault(
    client: TestClient, workspace: Path, out: Path, source: str, target: str, pointer: str
) -> None:
    answer = run(client, [(str(workspace / "in" / source), out / target)])
    assert [fault["pointer"] for fault in answer["results"][0]["error"]["errors"]] == [pointer]
