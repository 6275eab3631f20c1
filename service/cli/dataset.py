"""`python main.py dataset`: sample images to send, from the Internet."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_CHECKSUM = "md5:c58f30108f718f92721af3b95e74349a"
"""As the page of the dataset gives it: https://www.cs.toronto.edu/~kriz/cifar.html"""

_OUTPUT = Path("dataset_batches_test")


def dataset(
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Archive in the layout of CIFAR-10.")
    ] = URL,
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            metavar="NAMES",
            help="Only these, such as cat,dog.",
            show_default="all",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", metavar="FOLDER", help="Gets one folder a class.")
    ] = _OUTPUT,
    checksum: Annotated[
        str | None,
        typer.Option(
            "--checksum",
            metavar="md5:HEX | sha256:HEX",
            help="What the archive is to have; that of CIFAR-10 is known.",
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the archive in the folder.")] = False,
) -> None:
    """Download CIFAR-10, or an archive of its layout, and save its images as PNG.

    A download that broke off goes on where it was.

    Exit codes: 0 done, 1 the download or the archive is bad, 2 a wrong option, 130 Ctrl-C.
    """
    names = [name.strip() for name in (classes or "").split(",")]
    sys.exit(fetch(output, url, tuple(filter(None, names)), checksum, keep))


def fetch(
    output: Path,
    url: str = URL,
    classes: tuple[str, ...] = (),
    checksum: str | None = None,
    keep: bool = False,
) -> int:
    """Fetch a dataset, and show what became of it. Gives the exit code."""
    from service.cli.datasets.checksum import Checksum
    from service.cli.datasets.errors import DatasetError, DatasetRefused
    from service.cli.datasets.fetching import Wanted
    from service.cli.datasets.fetching import fetch as fetch_wanted
    from service.cli.output import console
    from service.storage import StorageError

    stderr = console(stderr=True)
    try:
        text = checksum or (_CHECKSUM if url == URL else None)
        expected = Checksum.of_text(text) if text else None
        counts = fetch_wanted(Wanted(url, output, classes, expected, keep), stderr)
    except DatasetError as error:
        stderr.print(str(error))
        return EXIT_REFUSED if isinstance(error, DatasetRefused) else EXIT_FAILED
    except StorageError as error:
        stderr.print(str(error))
        return EXIT_FAILED
    except OSError as error:
        stderr.print(f"{error.filename or output} cannot be written: {error.strerror}")
        return EXIT_FAILED
    except KeyboardInterrupt:
        stderr.print("stopped; the same command goes on where it was")
        return EXIT_INTERRUPTED
    for name, count in counts.items():
        stderr.print(f"{output / name}: {count} images")
    return 0
