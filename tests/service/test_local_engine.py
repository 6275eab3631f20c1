"""What only the engine of one machine promises: its processes end with the server's."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil

from tests.live import ROOT
from tests.workshop import PATIENCE, Gatekeeper, local_engine, make_workshop

_SERVE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.plugins import Hang
from tests.workshop import Gatekeeper, Workshop, local_engine

shop = Workshop(Path(sys.argv[1]))
(shop.out).mkdir()
with local_engine(shop, 2, 600) as engine, Gatekeeper(shop.root) as gate:
    held = [engine.submit(shop.task(gate.step())) for _ in range(2)]
    print(*[gate.wait() for _ in held], flush=True)
    gate.let(1)
    engine.submit(shop.task(Hang(how="native")))
    sys.stdin.read()
"""


def start(folder: Path, directory: Path = ROOT) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SERVE, str(folder), str(ROOT)]
    return subprocess.Popen(
        command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def family(server: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes below the server, once both workers have begun."""
    assert server.stdout is not None
    workers = {int(pid) for pid in server.stdout.readline().split()}
    found: list[psutil.Process] = psutil.Process(server.pid).children(recursive=True)
    assert len(workers) == 2
    assert workers <= {process.pid for process in found}
    return found


def test_no_process_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    with start(tmp_path) as server:
        processes = family(server)
        server.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(processes, PATIENCE)
    assert alive == []


def test_no_process_outlives_a_server_that_ends(tmp_path: Path) -> None:
    with start(tmp_path) as server:
        processes = family(server)
        server.communicate(timeout=PATIENCE)
        _, alive = psutil.wait_procs(processes, PATIENCE)
    assert alive == []


def test_workers_are_forked_with_opencv_loaded_wherever_the_server_was_started(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with start(tmp_path, elsewhere) as server:
        workers = family(server)
        parents = {process.ppid() for process in workers} - {server.pid}
        maps = [Path(f"/proc/{pid}/maps").read_text() for pid in parents]
        server.communicate(timeout=PATIENCE)
    assert maps
    assert all("cv2" in text and "numba" in text for text in maps)


def test_a_single_image_goes_before_a_batch(tmp_path: Path) -> None:
    shop = make_workshop(tmp_path)
    with local_engine(shop, 1, PATIENCE) as engine, Gatekeeper(tmp_path) as gate:
        task = shop.task(gate.step())
        batch = engine.submit(task)
        niceness = psutil.Process(gate.wait()).nice()
        single = engine.submit(replace(task, urgent=True))
        assert psutil.Process(gate.wait()).nice() < niceness
        gate.let(2)
        assert [future.exception(PATIENCE) for future in (batch, single)] == [None, None]
