"""Operations of the tests, as plugins of servers that run in processes of their own."""

from pathlib import Path

from tests.live import ROOT


def install_operations(folder: Path, *names: str) -> str:
    """Make a package below `folder` that has these classes of `tests.plugins`.

    Gives the PYTHONPATH with which a server finds it.
    """
    package = folder / "site" / "operations_of_tests-1.dist-info"
    package.mkdir(parents=True)
    metadata = "Metadata-Version: 2.1\nName: operations-of-tests\nVersion: 1\n"
    (package / "METADATA").write_text(metadata)
    entries = "".join(f"{name.lower()} = tests.plugins:{name}\n" for name in names)
    (package / "entry_points.txt").write_text(f"[darkroom.operations]\n{entries}")
    return f"{package.parent}:{ROOT}"
