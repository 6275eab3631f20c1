"""The real command in a process of its own, over images that take a while."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2

from tests.live import ROOT, environment
from tests.samples import photograph

MAIN = [sys.executable, str(ROOT / "main.py")]
PATIENCE = 60
_DIFFERENT = 7


def make_inputs(folder: Path, count: int) -> None:
    """`count` images in `folder`/in, some of them alike, of which each takes some 20 ms."""
    (folder / "in").mkdir()
    for at in range(count):
        path = folder / f"in/{at}.png"
        if at < _DIFFERENT:
            path.write_bytes(_picture(at))
        else:
            path.hardlink_to(folder / f"in/{at % _DIFFERENT}.png")


@cache
def _picture(seed: int) -> bytes:
    return bytes(cv2.imencode(".png", photograph(1200, 800, seed=seed))[1])


def begin(
    folder: Path, *arguments: str, variables: dict[str, str] | None = None, **settings: object
) -> subprocess.Popen[str]:
    """Start `batch` with these arguments; it uses no proxy for this machine."""
    here = {"NO_PROXY": "127.0.0.1"} | (variables or {})
    return subprocess.Popen(
        [*MAIN, "batch", *arguments],
        cwd=folder,
        env=environment(workers=2, **settings) | here,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # As a shell does, so that a signal can be sent to all of it, as a terminal does.
        process_group=0,
    )


def run(
    folder: Path, *arguments: str, variables: dict[str, str] | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    with begin(folder, *arguments, variables=variables, **settings) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def send(process: subprocess.Popen[str], number: int) -> None:
    """A signal to the command and all that it started."""
    os.killpg(process.pid, number)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
