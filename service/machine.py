"""How much memory this process may use: a container may grant less than the machine has."""

import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")

_FILES = ("memory.max", "memory.limit_in_bytes")
"""Of control groups, version 2 and 1; https://docs.kernel.org/admin-guide/cgroup-v2.html."""


def default_budget() -> int:
    """Bytes: half of what may be used. The rest is for code, encoded images, and who else runs."""
    return usable_memory() // 2


def usable_memory(groups: Path = GROUPS, own: Path = OWN_GROUPS) -> int:
    """Bytes of the machine, or of the smallest limit that a control group sets."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_group_limits(groups, own)])


def _group_limits(root: Path, own: Path) -> list[int]:
    """The limits of the groups that this process is in, and of those around them."""
    folders = {root, root / "memory"}
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            group = root / controllers / path.lstrip("/")
            folders |= {group, *(parent for parent in group.parents if root in parent.parents)}
    values = (_text(folder / name).strip() for folder in folders for name in _FILES)
    return [int(value) for value in values if value.isdigit()]  # not "max"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:  # no Linux, or no control groups
        return ""
