"""Where images may be read, and results written."""

from importlib.util import find_spec
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from service.remote.urls import Url
from service.settings.part import Part
from service.units import ReadRoots, WriteRoots

_PACKAGES = {
    "s3": ("s3fs", "requirements.txt"),
    "gs": ("gcsfs", "requirements-clouds.txt"),
    "az": ("adlfs", "requirements-clouds.txt"),
}


class StorageSettings(Part):
    """The folders, and the URLs, that requests can name. Relative folders start at the working
    directory."""

    read_roots: ReadRoots = Field((Path(),), description="Where images are read from.")
    write_roots: WriteRoots = Field(
        (Path("testoutput"), Path("output")), description="Where images are written to."
    )

    @model_validator(mode="after")
    def _check_packages(self) -> Self:
        """Raises ValueError when a root needs a package that is not there."""
        for root in (*self.read_roots, *self.write_roots):
            if not isinstance(root, Url) or root.scheme not in _PACKAGES:
                continue
            package, requirements = _PACKAGES[root.scheme]
            if find_spec(package) is None:
                raise ValueError(
                    f"{root} is a root, and needs the package {package}, which is not installed: "
                    f"pip install -r {requirements}"
                )
        return self
