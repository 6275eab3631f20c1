"""Where the figures were measured, and with which versions."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.contestants.sharp import installed

_PACKAGES = ("opencv-python", "numpy", "fastapi", "uvicorn", "pebble", "pillow", "httpx")


def facts() -> dict[str, str]:
    """What to say about the machine, by name."""
    found = {
        "Processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "Packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "pyvips": f"{version('pyvips')} with libvips {_libvips()}",
    }
    return found | ({"sharp": _sharp()} if shutil.which("node") else {})


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor()


def _libvips() -> str:
    import pyvips

    return ".".join(str(pyvips.version(part)) for part in range(3))


def _sharp() -> str:
    package = installed() / "node_modules" / "sharp" / "package.json"
    if not package.exists():
        return "not installed"
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return f"{json.loads(package.read_text())['version']} under Node.js {node.stdout.strip()}"
