"""The command line: the real command in a process of its own, and its parts."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import psutil
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from service.cli.main import app as commands
from tests.live import ROOT, environment, until
from tests.samples import photograph

MAIN = [sys.executable, str(ROOT / "main.py")]


def run(
    folder: Path, *arguments: str, given: str | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, *arguments],
        cwd=folder,
        env=environment(workers=2, **settings),
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=30,
    )


def invoke(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(commands, arguments, input=given)


@pytest.fixture
def plain_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the environment, and a working directory without an .env."""
    monkeypatch.setattr("os.environ", environment())
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a process ignores, its children ignore: a background job has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_patterns_are_processed_into_a_folder_that_no_setting_names(
    workspace: Path, tmp_path: Path
) -> None:
    done = run(
        tmp_path,
        *("batch", "--input", f"{workspace}/in/photo.*", "--output", "small/{index}.{ext}"),
        *("--operation", "resize=0.5", "--operation", "flip", "--quality", "70"),
    )
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == [
        *("0.jpg", "1.png", "2.webp")
    ]
    image = cv2.imread(str(tmp_path / "small/1.png"))
    assert image is not None
    assert image.shape == (60, 80, 3)
    assert done.stdout == ""
    assert done.stderr.startswith("3 images in ")
    assert ": 3 succeeded, 0 failed, 0 skipped; 0.0 MB written\n" in done.stderr


def test_json_from_standard_input_answers_as_the_api_does(
    workspace: Path, client: TestClient
) -> None:
    names = {"photo.jpg": "a.webp", "truncated.jpg": "b.webp", "deep.png": "c.png"}
    images = [
        {"input": f"{workspace}/in/{name}", "output": f"{workspace}/out/cli/{output}"}
        for name, output in names.items()
    ]
    body = {"images": images, "operations": ["resize=0.5", "split=1,2"]}
    done = run(workspace, "batch", "-", "--json", given=json.dumps(body), write_roots="out")
    assert done.returncode == 1
    assert done.stderr.startswith("3 images in ")
    assert comparable(json.loads(done.stdout)) == comparable(
        client.post("/v1/batches", json=body).json()
    )


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of the API without what differs from run to run."""
    names = [sorted(result["timings"] or ()) for result in answer["results"]]
    results = [{**result, "timings": None} for result in answer["results"]]
    return {**answer, "id": "", "results": results, "timings": names}


def test_failures_of_a_request_file_are_listed(workspace: Path, tmp_path: Path) -> None:
    def pair(name: str, output: str) -> dict[str, str]:
        return {"input": f"{workspace}/in/{name}", "output": output}

    request = tmp_path / "request.json"
    images = [
        pair("photo.jpg", "output/a.jpg"),
        pair("photo.png", "output/../b.jpg"),
        pair("photo.webp", "output/a.jpg"),
    ]
    request.write_text(json.dumps({"images": images, "operations": ["crop=50,50,9999,9999"]}))
    done = run(tmp_path, "batch", str(request), read_roots=workspace)
    assert done.returncode == 1
    assert "it lies outside DARKROOM_WRITE_ROOTS" in done.stderr
    assert "output/a.jpg is the output of an earlier image" in done.stderr
    assert "1 succeeded, 2 failed" in done.stderr


def test_ctrl_c_stops_the_batch_and_leaves_nothing_behind(
    tmp_path: Path, interruptible: None
) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), photograph(900, 700))
    for at in range(1, 300):
        (tmp_path / f"{at}.png").hardlink_to(tmp_path / "0.png")
    out = tmp_path / "out"
    out.mkdir()
    command = [*MAIN, "batch", "--input", "*.png", "--output", "out/{name}"]
    with subprocess.Popen(
        [*command, "--operation", "blur=99"],
        cwd=tmp_path,
        env=environment(workers=2),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # As a terminal does, Ctrl-C goes to the whole group.
        process_group=0,
    ) as process:
        until(lambda: any(out.glob("*.png")))
        family = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        message = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert " of 300 images in " in message
    assert message.count("\n") == 1
    assert len(family) >= 2
    until(lambda: all(map(has_ended, family)))
    assert [path for path in out.iterdir() if path.suffix != ".png"] == []


def has_ended(process: psutil.Process) -> bool:
    """Nobody may be there to collect it."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.usefixtures("plain_settings")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "standard input is not JSON: "),
        ("[]", "Invalid request\n  /: is not a JSON object"),
        ('{"image": []}', "/image: unknown key 'image'; did you mean 'images'?"),
        (
            '{"images": [], "operations": ["resiz=2"]}',
            "Invalid request\n"
            "  /operations/0: there is no operation 'resiz'; did you mean 'resize'?\n",
        ),
        (
            '{"images": [], "operations": [{"op": "blur", "kernel_size": -1}]}',
            "/operations/0/kernel_size: Input should be greater than or equal to 0",
        ),
    ],
)
def test_a_wrong_request_is_explained(body: str, message: str) -> None:
    result = invoke("batch", "-", given=body)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.usefixtures("plain_settings")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a request file, or --input and --output"),
        (["--input", "*.jpg"], "give a request file, or --input and --output"),
        (["--input", "a.jpg", "b.jpg", "--output", "out/"], "put quotes around a pattern"),
        (["request.json", "--quality", "80"], "give one request file, or --input and --output"),
        (["missing.json"], "missing.json cannot be read: No such file or directory"),
        (["--input", "*.tif", "--output", "out/"], "--input '*.tif': no file matches"),
        (["--input", "*.tif", "--output", "{x}"], "unknown placeholder {x}"),
    ],
)
def test_arguments_that_do_not_fit_are_explained(arguments: list[str], message: str) -> None:
    result = invoke("batch", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.usefixtures("plain_settings")
def test_one_output_for_several_inputs_is_refused_before_anything_is_done() -> None:
    for name in ("a.jpg", "b.jpg"):
        Path(name).touch()
    result = invoke("batch", "--input", "*.jpg", "--output", "out/all.png")
    assert result.exit_code == 2
    assert "--output 'out/all.png' is one file for 2 images: put {stem}" in result.stderr


@pytest.mark.usefixtures("plain_settings")
def test_an_option_out_of_range_is_named_by_its_pointer() -> None:
    Path("a.jpg").touch()
    result = invoke("batch", "--input", "a.jpg", "--output", "out/", "--quality", "400")
    assert result.exit_code == 2
    assert "  /encode/quality: Input should be less than or equal to 100" in result.stderr


@pytest.mark.usefixtures("plain_settings")
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_WORKERS", "many")
    result = invoke("batch", "-", given='{"images": []}')
    assert result.exit_code == 2
    assert result.stderr == "DARKROOM_WORKERS='many': expected a whole number, at least 1\n"


@pytest.mark.usefixtures("plain_settings")
def test_a_request_file_is_held_to_the_limit_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_MAX_IMAGES", "1")
    images = [{"input": "a", "output": "b"}] * 2
    result = invoke("batch", "-", given=json.dumps({"images": images}))
    assert result.exit_code == 2
    assert "/images: 2 images, the limit is 1 (DARKROOM_MAX_IMAGES)" in result.stderr


@pytest.mark.usefixtures("plain_settings")
def test_without_a_command_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_HOST", "0.0.0.0")
    result = invoke()
    assert result.exit_code == 2
    assert "lets other machines in without a key" in result.stderr


def test_the_catalogue_is_shown_without_a_web_server() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *MAIN[1:], "operations"],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=30,
    )
    assert "resize=factor,width,height,fit,background" in done.stdout
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "schemas.operations" in modules
    assert not modules & {"fastapi", "uvicorn", "starlette", "service.app"}


def test_the_catalogue_as_json_is_that_of_the_api(client: TestClient) -> None:
    assert json.loads(invoke("operations", "--json").stdout) == client.get("/v1/operations").json()


def test_one_operation_as_json_is_that_of_the_api(client: TestClient) -> None:
    answer = client.get("/v1/operations/scale").json()
    assert json.loads(invoke("operations", "scale", "--json").stdout) == answer


def test_an_operation_is_shown_in_detail_by_its_alias() -> None:
    lines = invoke("operations", "gaussian_blur").stdout.splitlines()
    assert lines[0] == "blur (filters)"
    rows = [" ".join(line.split()) for line in lines]
    assert any(row.startswith("sigma number 4.0 above 0, at most 150 Standard") for row in rows)


def test_an_unknown_operation_gets_the_nearest_name() -> None:
    result = invoke("operations", "resizee")
    assert result.exit_code == 2
    assert "there is no operation 'resizee'; did you mean 'resize'?" in result.stderr


def test_the_version_is_shown() -> None:
    assert invoke("--version").stdout == "Darkroom 0.1.0\n"


def test_what_is_unchanged_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"in/{number}.png"), photograph(20 + number, 20))
    arguments = ("batch", "--input", "in/*.png", "--output", "out/", "--operation", "flip")
    for expected in ("3 succeeded, 0 failed, 0 skipped", "0 succeeded, 0 failed, 3 skipped"):
        ended = run(tmp_path, *arguments, "--skip-unchanged", "--quiet")
        assert ended.returncode == 0, ended.stderr
        assert expected in ended.stderr
