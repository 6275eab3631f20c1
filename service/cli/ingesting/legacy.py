"""The original protocol, for servers that speak no other: pickles, unframed, one at a time.

The server sees pickles that Python 3.4 and Pillow 3 can read. What the server sends is compared
with the texts that it may send, and never unpickled.
"""

import pickle
import socket
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from processors.errors import DamagedImage, ImageTooLarge, ProcessorError, UnsupportedFormat
from service.cli.ingesting.images import check_name
from service.cli.ingesting.link import linked
from service.cli.ingesting.tally import IngestTally
from service.cli.server import ServerLost
from service.storage import SourceUnreadable

NAMES_RECEIVED = b"nombre de carpeta y lista nombres imagenes recibidas"
IMAGE_RECEIVED = b"imagen recibida"
ALL_RECEIVED = b"Todas las imagen recibidas, descomprimidas y nombradas"
END = b"fin"

_PICKLE = 4
_BESIDE = ("exif", "icc_profile", "transparency")
_PLAIN = (bytes, int, tuple)
_READ_ERRORS = (OSError, SyntaxError, ValueError, EOFError, MemoryError)
"""What Pillow raises for files that it cannot read."""


def readable(paths: Iterable[Path], tally: IngestTally) -> list[Path]:
    """Those that Pillow reads to their end: all names are sent first, and cannot be taken back."""
    good = []
    for path in paths:
        try:
            check_name(path.name)
            opened(path)
        except (ProcessorError, SourceUnreadable) as error:
            tally.refuse(path.name, error)
        else:
            good.append(path)
    return good


def opened(path: Path) -> Pillow.Image:
    """The pixels of a file, and what says how to show them.

    Nothing else goes with it: another Pillow may not know the classes that formats bring.

    Raises UnsupportedFormat, DamagedImage, ImageTooLarge and SourceUnreadable.
    """
    try:
        with warnings.catch_warnings():
            # Between the limit and its double Pillow only warns.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            with Pillow.open(path) as image:
                plain = image.copy()
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise ImageTooLarge(f"Pillow does not read it: {error}") from None
    except UnidentifiedImageError:
        raise UnsupportedFormat("the image is of no format that Pillow reads") from None
    except _READ_ERRORS as error:
        if isinstance(error, OSError) and error.strerror:
            raise SourceUnreadable(f"the file cannot be read: {error.strerror}") from None
        raise DamagedImage(f"the image cannot be decoded: {error}") from None
    plain.info = {
        name: plain.info[name] for name in _BESIDE if type(plain.info.get(name)) in _PLAIN
    }
    return plain


async def converse(
    found: socket.socket, paths: list[Path], tally: IngestTally, changed: Callable[[], None]
) -> None:
    """Send all; what is received is stored when the server closes. Raises ServerLost."""
    names = [path.name for path in paths]
    async with linked(found) as link:
        await link.send(pickle.dumps((tally.collection, names), _PICKLE))
        await link.text(NAMES_RECEIVED)
        tally.connection = ""
        for path in paths:
            await link.send(_pickled(path))
            link.moved()
            await link.text(IMAGE_RECEIVED)
            tally.received.append(path.name)
            changed()
        await link.text(ALL_RECEIVED)
        await link.send(END)
        await link.closed()


def _pickled(path: Path) -> bytes:
    try:
        return pickle.dumps(opened(path), _PICKLE)
    except (ProcessorError, SourceUnreadable) as error:
        raise ServerLost(f"{path.name} has changed meanwhile: {error}") from None
