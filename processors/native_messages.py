"""What the C libraries behind OpenCV say about an image, which its Python calls leave out.

libjpeg, libpng and libtiff report damage on file descriptor 2 and may hand out a picture all the
same, the missing part filled with gray. The only way to hear them is to listen there.
"""

import os
import re
import tempfile
import threading
from typing import Self

_lock = threading.Lock()
_STDERR = 2
_KEPT_BYTES = 4096

_DAMAGE = re.compile(
    r"Corrupt JPEG data: (?!\d{1} extraneous)|Premature end of JPEG|Inconsistent progression"
    r"|Invalid (?:SOS|JPEG)|TIFF_Error|libpng error"
)
_NO_MEMORY = re.compile(r"Insufficient memory|Failed to allocate|[Oo]ut of memory|bad_alloc")
_REASONS = (
    re.compile(r"(Corrupt JPEG data: [^\n]+)"),
    re.compile(r"libpng error: ([^\n]+)"),
    re.compile(r"TIFF_Error (?:\w+: )?([^\n]+)"),
    re.compile(r"error: \(-\d+:[^)]*\) ([^\n]+?)(?: in function|\n|$)"),
)


class NativeMessages:
    """`with NativeMessages() as messages`: what is written to file descriptor 2 meanwhile.

    `text` is there afterwards, empty when nothing was written. The whole process is meant, one
    thread at a time: a worker has one thread that works, so nothing else writes.
    """

    def __init__(self) -> None:
        self.text = ""
        self._console = self._sink = -1

    def __enter__(self) -> Self:
        _lock.acquire()
        self._console = os.dup(_STDERR)
        self._sink = _open_sink()
        os.dup2(self._sink, _STDERR)
        return self

    def __exit__(self, *exception: object) -> None:
        os.dup2(self._console, _STDERR)
        os.close(self._console)
        self.text = _drain(self._sink)
        _lock.release()

    @property
    def tell_damage(self) -> bool:
        return bool(_DAMAGE.search(self.text))

    @property
    def tell_no_memory(self) -> bool:
        return bool(_NO_MEMORY.search(self.text))

    @property
    def reason(self) -> str:
        """The library's own words for the fault, as one sentence; empty when it gave none."""
        found = next((match for reason in _REASONS if (match := reason.search(self.text))), None)
        return found[1].strip() if found else ""


def _drain(sink: int) -> str:
    if not os.lseek(sink, 0, os.SEEK_CUR):
        return ""
    text = os.pread(sink, _KEPT_BYTES, 0).decode(errors="replace")
    os.ftruncate(sink, 0)
    os.lseek(sink, 0, os.SEEK_SET)
    return text


_sink: int | None = None


def _forget_sink() -> None:
    """A forked process must not share its parent's offset."""
    global _sink
    _sink = None


os.register_at_fork(after_in_child=_forget_sink)


def _open_sink() -> int:
    """A file in memory, the same one each time."""
    global _sink
    if _sink is None and hasattr(os, "memfd_create"):
        _sink = os.memfd_create("darkroom-native-messages", os.MFD_CLOEXEC)
    elif _sink is None:
        with tempfile.TemporaryFile() as file:
            _sink = os.dup(file.fileno())
    return _sink
