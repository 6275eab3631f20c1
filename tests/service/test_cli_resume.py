"""`batch --resume`: what was done before a kill is not done again."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from schemas.recipes import RecipeBody
from service.app import store_from
from service.settings import load_settings
from tests.live import until
from tests.service.commands import PATIENCE, begin, contents, make_inputs, run, send

COUNT = 80
WORK = ("--input", "in/*.png", "--operation", "blur=61", "--operation", "resize=0.5")
FEW = ("--input", "in/1?.png")
RESUMED = (*WORK, "--resume", "--output", "out/{name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_inputs(tmp_path, COUNT)
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a process ignores, its children ignore: a background job has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def stored_jobs(folder: Path) -> list[Path]:
    return list((folder / "data/resume").iterdir())


def stop_in_the_middle(folder: Path, number: int) -> tuple[int, str, str]:
    """Begin, and send the signal when some results are stored; the exit code and the output."""
    with begin(folder, *RESUMED) as process:
        until(lambda: len(list((folder / "out").glob("*.png"))) > COUNT // 4)
        send(process, number)
        out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def lengthen_the_lease(folder: Path) -> None:
    """Who waited for the lease of the killed process to lapse would wait for an hour."""
    (database,) = (folder / "data/resume").glob("*.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute("UPDATE jobs SET lease_until = lease_until + 3.6e9").rowcount == 1


def test_after_a_kill_the_same_command_does_the_rest(folder: Path) -> None:
    code, _, _ = stop_in_the_middle(folder, signal.SIGKILL)
    assert code == -signal.SIGKILL
    lengthen_the_lease(folder)
    written = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")}
    assert COUNT // 4 < len(written) < COUNT
    done = run(folder, *RESUMED)
    assert done.returncode == 0, done.stderr
    before = int(done.stderr.partition("going on behind ")[2].split()[0])
    assert f"{COUNT} images, {before} of them before, in " in done.stderr
    assert f": {COUNT} succeeded, 0 failed" in done.stderr
    untouched = [
        name for name, at in written.items() if (folder / "out" / name).stat().st_mtime_ns == at
    ]
    assert len(untouched) >= before > 0
    expected = run(folder, *WORK, "--output", "plain/{name}")
    assert expected.returncode == 0, expected.stderr
    assert contents(folder / "out") == contents(folder / "plain")


def test_ctrl_c_keeps_what_was_done(folder: Path, interruptible: None) -> None:
    code, _, err = stop_in_the_middle(folder, signal.SIGINT)
    assert code == 130, err
    assert f" of {COUNT} images in " in err
    assert err.endswith("the same command goes on where this one was\n")
    here = len(list((folder / "out").iterdir()))
    done = run(folder, *RESUMED)
    assert done.returncode == 0, done.stderr
    assert f"going on behind {here} of {COUNT} images" in done.stderr
    assert len(contents(folder / "out")) == COUNT


def test_a_job_goes_on_with_the_images_that_it_began_with(folder: Path) -> None:
    stop_in_the_middle(folder, signal.SIGTERM)
    (folder / "in/later.png").write_bytes((folder / "in/0.png").read_bytes())
    done = run(folder, *RESUMED)
    assert f"{COUNT} images, " in done.stderr
    assert not (folder / "out/later.png").exists()


def test_a_batch_that_has_ended_leaves_no_job_and_is_done_anew(folder: Path) -> None:
    for _ in range(2):
        done = run(folder, *FEW, "--output", "out/{name}", "--resume", "--json")
        assert done.returncode == 0, done.stderr
        assert "before" not in done.stderr
        answer = json.loads(done.stdout)
        assert [result["index"] for result in answer["results"]] == list(range(10))
        assert stored_jobs(folder) == []


def test_failures_are_listed_with_their_operation(folder: Path) -> None:
    operations = ("--operation", "flip", "--operation", "crop=5000,5000,10,10")
    done = run(folder, "--input", "in/[1-3]*.png", *operations, "--output", "out/", "--resume")
    assert done.returncode == 1
    assert "   1: crop=5000,5000,10,10" in done.stderr
    assert "and 13 more" in done.stderr


def test_the_same_command_at_the_same_time_is_refused(folder: Path) -> None:
    with begin(folder, *RESUMED) as first:
        until(lambda: any((folder / "out").iterdir()))
        second = run(folder, *RESUMED)
        assert first.communicate(timeout=PATIENCE)[1].count("succeeded") == 1
    assert (second.returncode, first.returncode) == (2, 0)
    assert second.stderr == "the same command is running already: wait for its end\n"


def test_a_wrong_operation_begins_nothing(folder: Path) -> None:
    done = run(folder, *RESUMED, "--operation", "blurr=3")
    assert done.returncode == 2
    assert "/operations/2: there is no operation 'blurr'" in done.stderr
    assert not (folder / "data").exists()


def test_a_request_file_is_held_to_the_limit_of_a_job(folder: Path) -> None:
    images = [{"input": "in/0.png", "output": f"out/{at}.png"} for at in range(3)]
    (folder / "request.json").write_text(json.dumps({"images": images}))
    done = run(folder, "request.json", "--resume", max_images=1, max_job_images=2)
    assert done.returncode == 2
    assert "/images: 3 images, the limit is 2 (DARKROOM_MAX_JOB_IMAGES)" in done.stderr


@pytest.mark.parametrize("how", [(), ("--resume",)])
def test_a_request_file_may_name_a_recipe_of_the_store(
    folder: Path, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{folder}/recipes.db"
    monkeypatch.chdir(folder)
    recipes = store_from(load_settings(store=store)).recipes
    asyncio.run(recipes.put("thumb", RecipeBody.model_validate({"operations": ["resize=20x10"]})))
    request = {"images": [{"input": "in/0.png", "output": "output/t.png"}], "recipe": "thumb"}
    (folder / "request.json").write_text(json.dumps(request))
    done = run(folder, "request.json", "--json", *how, store=store)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["outputs"][0]["width"] == 20
