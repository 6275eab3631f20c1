"""Results on disk: below one folder, under the names of the images that were sent."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from processors.formats import FORMAT_BY_EXTENSION, FORMAT_TRAITS
from processors.probing import sniff
from service.cli.sending.wish import SendRefused
from service.storage import SinkTaken, Storage, places


class Saver:
    """Writes below `folder`, which is made when it is missing. Raises SendRefused.

    No file of `sources`, the images that are sent, is replaced.
    """

    def __init__(self, folder: Path, sources: Iterable[Path]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SendRefused(f"--save {folder}: cannot be made: {error.strerror}") from None
        self._folder = folder
        self._storage = Storage((), (folder,), max_bytes=0)
        self._taken = {str(path.resolve()) for path in sources}
        self._token = secrets.token_hex(8)

    def save(self, path: str, results: Sequence[bytes]) -> list[str]:
        """Write the results of the image at `path`, and give their paths.

        The extension is that of what came; several results are numbered. Raises UnsupportedFormat
        for a result that is no image, and StorageError.
        """
        target = str(self._folder / _named(path, results[0]))
        targets = places(target, len(results))
        real = [self._storage.resolve_output(item) for item in targets]
        if clash := next((name for name in real if name in self._taken), None):
            raise SinkTaken(f"{clash} is the result of an earlier image, or one that is sent")
        written = self._storage.write_all(zip(targets, results, strict=True), self._token)
        self._taken.update(real)
        return written


def _named(path: str, result: bytes) -> PurePath:
    """`path` with the extension of what `result` is, its own where that fits already."""
    format, pure = sniff(result), PurePath(path)
    own = FORMAT_BY_EXTENSION.get(pure.suffix[1:].lower())
    if own == format:
        return pure
    stem = pure.stem if own else pure.name
    return pure.with_name(f"{stem}.{FORMAT_TRAITS[format].extensions[0]}")
