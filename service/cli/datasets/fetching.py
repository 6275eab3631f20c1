"""From an address to folders of images."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx
from rich.console import Console

from service.cli.datasets.archive import files_of
from service.cli.datasets.batches import batch_of, labels_of
from service.cli.datasets.checksum import Checksum
from service.cli.datasets.download import download
from service.cli.datasets.errors import ArchiveRefused, DatasetRefused
from service.cli.datasets.saving import Folders, chosen
from service.cli.datasets.showing import downloading, unpacking

_META = "batches.meta"
_BATCH = re.compile(r"(?:data|test)_batch(?:_\d+)?")
_NAME = re.compile(r"[\w-][\w.-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched: all classes where none is named."""

    url: str
    output: Path
    classes: tuple[str, ...] = ()
    checksum: Checksum | None = None
    keep: bool = False


def fetch(wanted: Wanted, console: Console) -> Counter[str]:
    """Download, check, unpack. Gives how many images each class has.

    Raises DatasetError and OSError, and StorageError where an image cannot be written. At the end
    the archive is removed, unless it is to be kept. One that is known to be good is used again:
    it stays where something else was wrong, such as the name of a class.
    """
    wanted.output.mkdir(parents=True, exist_ok=True)
    archive = wanted.output / _archive_name(wanted.url)
    _get(wanted, archive, console)
    spent = wanted.checksum is None
    try:
        counts = _unpack(wanted, archive, console)
        spent = True
    except ArchiveRefused:
        spent = True
        raise
    finally:
        if spent and not wanted.keep:
            archive.unlink(missing_ok=True)
    return counts


def _get(wanted: Wanted, archive: Path, console: Console) -> None:
    checksum = wanted.checksum
    if checksum is not None and archive.is_file() and checksum.of_file(archive) == checksum:
        return
    with downloading(console) as changed:
        download(wanted.url, archive, changed)
    if checksum is not None and (found := checksum.of_file(archive)) != checksum:
        archive.unlink()
        raise ArchiveRefused(f"{wanted.url} has the checksum {found}, expected is {checksum}")


def _archive_name(url: str) -> str:
    """The last part of the address where it is a plain name. Raises DatasetRefused."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DatasetRefused(f"--url {url!r:.200}: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise DatasetRefused(f"--url {url!r:.200}: only http:// and https:// are fetched")
    name = PurePosixPath(parsed.path).name
    return name if _NAME.fullmatch(name) else "dataset.tar.gz"


def _unpack(wanted: Wanted, archive: Path, console: Console) -> Counter[str]:
    labels, batches = _survey(archive)
    classes = chosen(labels, wanted.classes)
    folders = Folders(wanted.output, labels)
    counts: Counter[str] = Counter()
    with unpacking(console, batches) as bar:
        for path, member in files_of(archive):
            name = PurePosixPath(path).name
            if _BATCH.fullmatch(name):
                batch = batch_of(name, member.read(), len(labels))
                counts += folders.save(name, batch, classes)
                bar.advance(bar.task_ids[0])
    return counts


def _survey(archive: Path) -> tuple[list[str], int]:
    """The names of the classes, and how many batches there are.

    The whole archive is looked at before any image is written. Raises DatasetError.
    """
    labels: list[str] | None = None
    batches = 0
    for path, member in files_of(archive):
        name = PurePosixPath(path).name
        batches += _BATCH.fullmatch(name) is not None
        if name == _META:
            labels = labels_of(name, member.read())
    if labels is None or not batches:
        raise ArchiveRefused(
            f"the archive is none of CIFAR-10's layout: it has no {_META}, or no data_batch_1"
        )
    return labels, batches
