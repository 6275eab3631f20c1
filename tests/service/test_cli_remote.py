"""`batch --server URL`: the real command against a real server."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveServer, environment, until
from tests.relay import Relay
from tests.service.commands import MAIN, PATIENCE, begin, contents, make_inputs, run, send

COUNT = 60
KEY = "0123456789abcdef"
WORK = ("--operation", "blur=61", "--operation", "resize=0.25")
SLOW = ("--input", "in/*.png", "--output", "out/{name}", *WORK)
QUICK = ("--input", "in/1?.png", "--output", "out/{name}", "--operation", "resize=0.5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("remote")
    make_inputs(found, COUNT)
    return found


@pytest.fixture(scope="module")
def live(folder: Path) -> Iterator[LiveServer]:
    with server_in(folder) as server:
        yield server.ready()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a process ignores, its children ignore: a background job has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def server_in(folder: Path, *arguments: str, **settings: object) -> LiveServer:
    return LiveServer(
        folder, *arguments, workers=2, library="nothing", write_roots="out", **settings
    )


def jobs(server: LiveServer) -> list[dict[str, Any]]:
    """The latest first."""
    with server.client() as client:
        found: list[dict[str, Any]] = client.get("/v1/jobs").json()["jobs"]
    return found


def under_way(server: LiveServer, others: int) -> dict[str, Any] | None:
    """The job that came beside those `others`, when some of its images are done."""
    found = jobs(server)
    return found[0] if len(found) > others and found[0]["counts"]["succeeded"] > 0 else None


def test_a_batch_is_done_by_the_server(live: LiveServer, folder: Path) -> None:
    done = run(folder, *QUICK, "--server", live.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("10 images in ")
    assert ": 10 succeeded, 0 failed, 0 skipped" in done.stderr
    assert jobs(live)[0]["counts"]["succeeded"] == 10


def test_json_is_the_answer_of_the_batch(live: LiveServer, folder: Path) -> None:
    done = run(folder, *QUICK, "--server", f"{live.url}/", "--json")
    answer = json.loads(done.stdout)
    assert answer["id"] == jobs(live)[0]["id"]
    assert [result["index"] for result in answer["results"]] == list(range(10))


def test_failures_are_listed_with_their_operation(live: LiveServer, folder: Path) -> None:
    crop = ("--operation", "crop=5000,5000,10,10")
    done = run(folder, *QUICK, *crop, "--server", live.url)
    assert done.returncode == 1
    assert done.stderr.count("   1: crop=5000,5000,10,10") == 10
    assert ": 0 succeeded, 10 failed" in done.stderr


def test_a_request_file_may_name_what_only_the_server_knows(live: LiveServer, folder: Path) -> None:
    with live.client() as client:
        recipe = client.put("/v1/recipes/thumb", json={"operations": ["resize=20x10"]})
        assert recipe.is_success, recipe.text
    request = {"images": [{"input": "in/0.png", "output": "out/t.png"}], "recipe": "thumb"}
    (folder / "request.json").write_text(json.dumps(request))
    done = run(folder, "request.json", "--server", live.url, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["outputs"][0]["width"] == 20


def test_operations_that_are_left_out_are_named(live: LiveServer, folder: Path) -> None:
    wrong = ("--operation", "blurr=3", "--on-invalid", "skip")
    done = run(folder, *QUICK, *wrong, "--server", live.url)
    assert done.returncode == 0, done.stderr
    assert "left out: /operations/1: there is no operation 'blurr'" in done.stderr


def test_a_wrong_operation_is_explained_with_its_pointer(live: LiveServer, folder: Path) -> None:
    before = len(jobs(live))
    done = run(folder, *QUICK, "--operation", "blurr=3", "--server", live.url)
    assert done.returncode == 2
    assert done.stderr.startswith("Invalid request\n  /operations/1: there is no operation 'blurr'")
    assert len(jobs(live)) == before


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 cannot be reached: "),
        ("127.0.0.1:8888", "--server '127.0.0.1:8888': "),
        ("ftp://127.0.0.1", "--server 'ftp://127.0.0.1': write it as http://127.0.0.1:8888"),
        ("http://", "--server 'http://': write it as http://127.0.0.1:8888"),
    ],
)
def test_a_wrong_url_is_explained(folder: Path, url: str, message: str) -> None:
    done = run(folder, *QUICK, "--server", url)
    assert done.returncode == 2
    assert done.stderr.startswith(message)


def test_an_address_that_is_no_darkroom_is_explained(live: LiveServer, folder: Path) -> None:
    done = run(folder, *QUICK, "--server", f"{live.url}/elsewhere")
    assert done.returncode == 2
    assert "/elsewhere/v1/batches" in done.stderr


def test_resume_is_for_a_batch_without_a_server(folder: Path) -> None:
    done = run(folder, *QUICK, "--server", "http://127.0.0.1:1", "--resume")
    assert done.returncode == 2
    assert "--resume is for a batch here" in done.stderr


def test_a_key_is_taken_from_the_environment_or_an_option(folder: Path, tmp_path: Path) -> None:
    with server_in(folder, api_keys=KEY, store=f"sqlite:///{tmp_path}/keys.db") as server:
        none = run(folder, *QUICK, "--server", server.url)
        wrong = run(folder, *QUICK, "--server", server.url, "--api-key", "another one")
        typed = run(folder, *QUICK, "--server", server.url, "--api-key", KEY)
        given = run(folder, *QUICK, "--server", server.url, variables={"DARKROOM_API_KEY": KEY})
    assert [done.returncode for done in (none, wrong, typed, given)] == [2, 2, 0, 0]
    assert none.stderr.startswith("API key missing or wrong\n")
    assert "another one" not in wrong.stderr


def test_the_key_of_a_server_does_not_disturb_a_batch_here(folder: Path) -> None:
    done = run(folder, *QUICK, variables={"DARKROOM_API_KEY": KEY})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_without_a_terminal_a_signal_leaves_the_job_running(
    live: LiveServer, folder: Path, interruptible: None, number: signal.Signals, code: int
) -> None:
    before = len(jobs(live))
    with begin(folder, *SLOW, "--server", live.url) as process:
        until(lambda: under_way(live, before) is not None)
        send(process, number)
        message = process.communicate(timeout=PATIENCE)[1]
    job = jobs(live)[0]
    assert process.returncode == code
    assert message == f"the job goes on: {live.url}/v1/jobs/{job['id']}\n"
    until(lambda: jobs(live)[0]["state"] == "completed")
    assert jobs(live)[0]["counts"]["succeeded"] == COUNT


@pytest.mark.parametrize(("reply", "state"), [("y", "cancelled"), ("n", "completed")])
def test_on_a_terminal_ctrl_c_asks_whether_to_cancel(
    live: LiveServer, folder: Path, interruptible: None, reply: str, state: str
) -> None:
    before = len(jobs(live))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*MAIN, "batch", *SLOW, "--server", live.url],
        cwd=folder,
        env=environment() | {"NO_PROXY": "127.0.0.1", "TERM": "xterm"},
        stdin=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    until(lambda: under_way(live, before) is not None)
    process.send_signal(signal.SIGINT)
    shown = read_until(ours, "Cancel the job?")
    os.write(ours, f"{reply}\n".encode())
    shown += read_until(ours, None)
    assert process.wait(PATIENCE) == 130
    os.close(ours)
    assert "images/s" in shown
    assert ("the job goes on: " in shown) == (reply == "n")
    until(lambda: jobs(live)[0]["state"] == state)


def read_until(terminal: int, text: str | None) -> str:
    """What a terminal shows until there is `text`, or until its other end is closed."""
    shown = b""
    while text is None or text.encode() not in shown:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: how Linux says that the other end is closed
            data = b""
        if not data:
            assert text is None, shown
            break
        shown += data
    return shown.decode()


def test_a_server_that_is_started_again_in_the_middle_is_waited_for(
    folder: Path, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/restarted.db"
    with server_in(folder, store=store) as first:
        first.ready()
        port = str(first.address[1])
        process = begin(folder, *SLOW, "--server", first.url, "--json")
        until(lambda: under_way(first, 0) is not None)
        first.signal(signal.SIGKILL)
        first.wait()
    with server_in(folder, "--port", port, store=store) as second, process:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert jobs(second)[0]["counts"]["succeeded"] == COUNT
    assert [result["index"] for result in json.loads(out)["results"]] == list(range(COUNT))


def test_a_request_whose_answer_is_lost_is_sent_again_and_done_once(
    folder: Path, tmp_path: Path
) -> None:
    with (
        server_in(folder, store=f"sqlite:///{tmp_path}/once.db") as server,
        Relay(server.ready().address, lost=2) as relay,
    ):
        done = run(folder, *QUICK, "--server", relay.url)
        assert done.returncode == 0, done.stderr
        assert relay.connections > 2
        assert len(jobs(server)) == 1


def test_what_the_server_writes_is_what_is_written_here(live: LiveServer, folder: Path) -> None:
    """Bytes for bytes: it is the same engine."""
    arguments = ("--input", "in/1?.png", "--operation", "blur=5")
    assert run(folder, *arguments, "--output", "out/far/", "--server", live.url).returncode == 0
    assert run(folder, *arguments, "--output", "out/near/").returncode == 0
    assert contents(folder / "out/far") == contents(folder / "out/near")
