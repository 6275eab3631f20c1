"""A folder in which a search takes long: links to itself, and a pattern that follows them."""

from pathlib import Path

_DEPTH = 20


def labyrinth(folder: Path) -> str:
    """Make it in `folder`, which is to be new; a pattern that looks into a million folders."""
    folder.mkdir()
    for name in ("left", "right"):
        (folder / name).symlink_to(folder)
    return f"{folder}/{'*/' * _DEPTH}*.jpg"
