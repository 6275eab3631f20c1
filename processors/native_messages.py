"""What the C libraries behind OpenCV say about an image, which its Python calls leave out.

libjpeg, libpng and libtiff report damage on file descriptor 2 and may hand out a picture all the
same, the missing part filled with gray. The only way to hear them is to listen there.
"""

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
    """The text written during a `listen()`; empty when nothing was."""

    def __init__(self) -> None:
        self.text = ""

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


@contextmanager
def listen() -> Iterator[NativeMessages]:
    """Collect what is written to file descriptor 2 meanwhile, by one thread at a time.

    The whole process is meant: a worker has one thread that works, so nothing else writes.
    """
    messages = NativeMessages()
    with _lock:
        sink = _sink()
        console = os.dup(_STDERR)
        os.dup2(sink, _STDERR)
        try:
            yield messages
        finally:
            os.dup2(console, _STDERR)
            os.close(console)
            messages.text = _drain(sink)


def _drain(sink: int) -> str:
    if not os.lseek(sink, 0, os.SEEK_CUR):
        return ""
    text = os.pread(sink, _KEPT_BYTES, 0).decode(errors="replace")
    os.ftruncate(sink, 0)
    os.lseek(sink, 0, os.SEEK_SET)
    return text


_sinks: dict[int, int] = {}


def _sink() -> int:
    """A file in memory for this process: a forked one must not share its parent's offset."""
    pid = os.getpid()
    if pid not in _sinks:
        _sinks.clear()
        _sinks[pid] = _open_sink()
    return _sinks[pid]


def _open_sink() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("darkroom-native-messages", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
