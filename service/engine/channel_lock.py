"""The locks of a pool's channel, which outlive whoever holds them.

A semaphore whose holder is killed stays locked for ever: the other workers then wait for it until
they give up, and lose the images that they had. The kernel releases these locks (POSIX record
locks, see fcntl(2)) with the process that holds them, and a word in shared memory tells whether it
was in the middle of a message. If so, the channel cannot be used any more, which is known at once.
"""

import fcntl
import mmap
import os
import tempfile
import threading
import time
import weakref
from multiprocessing.context import ForkServerContext
from multiprocessing.reduction import DupFd
from pathlib import Path

_SIZE = 8
_NOBODY = 0


class ChannelLock:
    """What Pebble needs of `multiprocessing.RLock`, between processes; threads use it in turn.

    It may be pickled for a process that is about to start.
    """

    def __init__(self) -> None:
        descriptor = _nameless_file()
        os.truncate(descriptor, _SIZE)
        self._open(descriptor)

    def _open(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._holder = memoryview(mmap.mmap(descriptor, _SIZE)).cast("q")
        self._depth = 0
        self._thread = threading.RLock()
        weakref.finalize(self, os.close, descriptor)

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Whether it is held now. `timeout`, in seconds, is how long to wait for an end where a
        holder was killed; who is alive is waited for as long as it takes.
        """
        if not self._thread.acquire(block):
            return False
        if self._depth == 0 and not self._acquire(block, timeout):
            self._thread.release()
            return False
        self._depth += 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._holder[0] = _NOBODY
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        self._thread.release()

    @property
    def broken(self) -> bool:
        """Whether its holder was killed."""
        holder = self._holder[0]
        return holder != _NOBODY and not _lives(holder)

    def _acquire(self, block: bool, timeout: float | None) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        if self._holder[0] == _NOBODY:
            self._holder[0] = os.getpid()
            return True
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        if block:
            # Who owns the pool knows, and ends it. To exit would look like a fault of an image.
            time.sleep(timeout or 0)
        return False

    def __getstate__(self) -> object:
        return DupFd(self._descriptor)

    def __setstate__(self, descriptor: object) -> None:
        self._open(descriptor.detach())  # type: ignore[attr-defined]


class LockingContext(ForkServerContext):
    """Makes ChannelLocks for one pool, and knows whether a worker was killed that held one."""

    def __init__(self) -> None:
        super().__init__()
        self._locks: list[weakref.ref[ChannelLock]] = []

    def RLock(self) -> ChannelLock:  # type: ignore[override]
        lock = ChannelLock()
        self._locks.append(weakref.ref(lock))
        return lock

    @property
    def broken(self) -> bool:
        locks = [reference() for reference in self._locks]
        return any(lock is not None and lock.broken for lock in locks)


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("darkroom-lock", os.MFD_CLOEXEC)
    descriptor, path = tempfile.mkstemp()
    Path(path).unlink()
    return descriptor


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:  # its number may be another user's by now
        return False
    return True
