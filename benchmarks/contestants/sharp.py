"""sharp under Node.js, installed by npm into the cache folder at its first run."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.contestants.base import Contestant, Running, Unavailable
from benchmarks.contestants.program import Program
from benchmarks.inputs import cache_folder
from benchmarks.workloads import Workload

_SOURCE = Path(__file__).resolve().parents[1] / "sharp"
_INSTALL_SECONDS = 180


class Sharp(Contestant):
    """A variant is the resize kernel, libvips' threads an image, and the images at once."""

    name = "sharp"
    title = "sharp under Node.js"
    variants = ("lanczos3 1 2", "lanczos3 1 4", "lanczos3 2 2", "linear 1 2", "linear 1 4")

    def check(self) -> None:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise Unavailable("Node.js and npm are not installed")
        folder = installed()
        if not (folder / "node_modules" / "sharp").exists():
            _install(folder)

    def start(self, workload: Workload, variant: str) -> Running:
        return Program(["node", "run.mjs", *variant.split()], cwd=installed())


def installed() -> Path:
    """The folder with sharp and its runner, which is copied anew."""
    folder = cache_folder() / "sharp"
    folder.mkdir(parents=True, exist_ok=True)
    for file in _SOURCE.iterdir():
        shutil.copy(file, folder)
    return folder


def _install(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        raise Unavailable(f"npm cannot install sharp: {error}") from None
