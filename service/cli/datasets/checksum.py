"""Checksums of files, as text: `md5:...` or `sha256:...`."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from service.cli.datasets.errors import DatasetRefused

_DIGITS = {"md5": 32, "sha256": 64}
_FORM = re.compile(r"(md5|sha256):([0-9a-f]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Checksum:
    """The digest of a whole file, in lower-case hexadecimal digits."""

    algorithm: str
    digest: str

    @classmethod
    def of_text(cls, text: str) -> "Checksum":
        """Raises DatasetRefused."""
        match = _FORM.fullmatch(text.strip())
        if match is None or len(match[2]) != _DIGITS[match[1].lower()]:
            raise DatasetRefused(
                f"--checksum {text!r:.100}: write md5: with 32 or sha256: with 64 hexadecimal "
                "digits behind it"
            )
        return cls(match[1].lower(), match[2].lower())

    def of_file(self, path: Path) -> "Checksum":
        """The checksum of the same kind that the file has. Raises OSError."""
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.new(self.algorithm))
        return Checksum(self.algorithm, found.hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digest}"
