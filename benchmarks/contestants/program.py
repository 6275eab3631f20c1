"""Contestants that are a program with commands on standard input; see benchmarks/runners."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks.contestants.base import Contestant, Running
from benchmarks.workloads import Work, Workload

ROOT = Path(__file__).resolve().parents[2]

KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""Tells glibc to keep freed memory. By default it gives the memory of each image back to the
kernel, which has to clear it anew for the next: up to half the time of decoding."""


class Program(Running):
    """A process that answers each line with `done`."""

    def __init__(self, command: list[str], cwd: Path = ROOT, keep_memory: bool = True) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | (KEEP_MEMORY if keep_memory else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.processes = [psutil.Process(self._process.pid)]

    def prepare(self, work: Work) -> None:
        workload = work.workload
        orders = {"quality": workload.quality, "blur": workload.blur, "jobs": work.jobs()}
        path = work.folder.with_suffix(".json")
        path.write_text(json.dumps(orders))
        self._tell(f"load {path}")

    def run(self) -> None:
        self._tell("go")

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line + "\n")
        if self._process.stdout.readline() != "done\n":
            raise RuntimeError(f"{self._process.args!r} failed; its message stands above")


def python(module: str, *arguments: str, keep_memory: bool = True) -> Program:
    """A runner of benchmarks/runners."""
    command = [sys.executable, "-m", f"benchmarks.runners.{module}", *arguments]
    return Program(command, keep_memory=keep_memory)


class SerialOpenCV(Contestant):
    name = "opencv-serial"
    title = "OpenCV, serial loop"

    def start(self, workload: Workload, variant: str) -> Running:
        return python("opencv", keep_memory=False)


class BareOpenCV(Contestant):
    name = "opencv"
    title = "OpenCV, bare loop in two processes"

    def start(self, workload: Workload, variant: str) -> Running:
        return python("opencv", "--processes", "2", keep_memory=False)


class TunedOpenCV(Contestant):
    name = "opencv-tuned"
    title = "OpenCV, the same, keeping its memory"

    def start(self, workload: Workload, variant: str) -> Running:
        return python("opencv", "--processes", "2")


class Pillow(Contestant):
    name = "pillow"
    title = "Pillow, two processes"

    def start(self, workload: Workload, variant: str) -> Running:
        return python("pillow", "--processes", "2")


class Pyvips(Contestant):
    name = "pyvips"
    title = "pyvips"
    variants = (
        "thumbnail --processes 2",
        "thumbnail --threads 2",
        "shrink --processes 2",
        "shrink --threads 2",
        "shrink --vips-threads 2",
    )

    def start(self, workload: Workload, variant: str) -> Running:
        return python("vips", *variant.split())
