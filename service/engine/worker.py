"""What runs inside a worker process.

The forkserver imports this module once, so that a new worker has OpenCV loaded when it is forked.
"""

import os

# Before NumPy is imported: its BLAS would start threads, which a forked child does not have.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import ctypes
import logging
import pickle
import platform
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import forkserver
from time import perf_counter

import cv2

from processors.errors import OutOfMemory, ProcessorError, ResourceUnavailable
from processors.jobs import JobRunner, peak_bytes, runner_of
from processors.limits import Limits
from processors.pipeline import Processed
from processors.registry import registry
from processors.resources import set_reader
from schemas.results import Output
from service.engine.base import Deferred, ItemResult, Known, Made, Task, WorkItem
from service.engine.overlap import Overlap, Paths, finished
from service.engine.progress import NONE, note
from service.engine.unchanged import digest_of, made, still_there
from service.storage import Storage, StorageError
from service.transfer import Result

_log = logging.getLogger("darkroom.worker")

_PR_SET_PDEATHSIG = 1
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_STACK_BYTES = 2 * 1024 * 1024
"""Of a thread: those that talk to stores need less than the 8 MiB that they would have."""

_LARGEST_KEPT = 32 * 1024 * 1024
"""Bytes: glibc takes no larger threshold. A worker keeps twice as much at most."""

_CACHED_PIPELINES = 32


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker needs to know.

    `memory` is the address space it may use, in bytes; `niceness` is added to that of its parent,
    from 0 to 19: the scheduler prefers processes of a lower one. An image that is estimated to
    take more than `small` bytes of memory has to be admitted. `progress` is the file in which the
    worker notes the image that it is at.
    """

    storage: Storage
    limits: Limits
    memory: int
    niceness: int = 0
    small: int = sys.maxsize
    progress: str = ""


class _State:
    """`config` is set once by `initialize`, before the first task.

    `resources` are what the image under way finds at paths beside its input, or why that cannot be
    read: what is said of it to be made of is what it is made of, also when a file is replaced.
    """

    config: WorkerConfig
    resources: Mapping[str, bytes | str] = {}


def initialize(config: WorkerConfig) -> None:
    """Prepare this process: one OpenCV thread, limited memory, an end with its parent."""
    _State.config = config
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_parent()
    os.nice(config.niceness)
    cv2.setNumThreads(1)
    registry()
    set_reader(_read_resource, config.limits)
    _keep_freed_memory()
    _keep_threads_small()
    _limit_memory(config.memory)


def run_task(task: Task, place: int = 0) -> list[ItemResult]:
    """Process the items in their order; see Engine.submit. `place` is that of its progress."""
    storage, progress = _State.config.storage, _State.config.progress
    results = []
    with storage.remembering_folders(), Overlap(storage, task.items) as overlap:
        for position, item in enumerate(overlap.items()):
            if progress:
                note(progress, place, position)
            runner = _runner(item.pipeline or task.pipeline)
            results.append(_run_item(runner, item, task.token))
        for position, paths in overlap.written():
            results[position] = _written(results[position], paths)
    if progress:
        note(progress, place, NONE)
    return results


def _run_item(runner: JobRunner, item: WorkItem, token: str) -> ItemResult:
    begun = perf_counter()
    result = _tried(runner, item, token)
    if isinstance(result.error, OutOfMemory):
        # What malloc has kept of earlier images, in pieces, may be all that was missing.
        _return_freed_memory()
        result = _tried(runner, item, token)
        _return_freed_memory()
    result.taken = (perf_counter() - begun) * 1000
    return result


def _tried(runner: JobRunner, item: WorkItem, token: str) -> ItemResult:
    try:
        _State.resources = _resources(item.known)
        return _done(runner, item, token)
    except Exception as error:  # noqa: BLE001 - one image must not fail the others of its task
        return _failed(item.index, error)


def _written(result: ItemResult, paths: Paths) -> ItemResult:
    try:
        return finished(result, paths.result())
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(result.index, error)


def _failed(index: int, error: Exception) -> ItemResult:
    if isinstance(error, ProcessorError | StorageError):
        return ItemResult(index, error=_alone(error))
    if isinstance(error, MemoryError):
        return ItemResult(index, error=OutOfMemory("needs more memory than a worker may use"))
    _log.error("image %d failed unexpectedly", index, exc_info=error)
    return ItemResult(index, error=ProcessorError(f"{type(error).__name__}: {error}"))


def _done(runner: JobRunner, item: WorkItem, token: str) -> ItemResult:
    """Raises a ProcessorError, a StorageError or MemoryError."""
    storage, known = _State.config.storage, item.known
    data = item.source.read(storage)
    digest = "" if known is None else _digest(known, data)
    if known is not None and still_there(known, digest, storage):
        return _left_alone(item.index, known, len(data))
    if (deferred := _deferred(runner, item, data)) is not None:
        return ItemResult(item.index, error=deferred)
    processed = runner.run(data, item.sink.names)
    results = [Result(one.data, *one.size, one.variant) for one in processed.images]
    paths = item.sink.write(storage, results, token)
    return ItemResult(
        item.index,
        _outputs(paths, processed),
        None,
        processed.timings,
        processed.skipped,
        len(data),
        None if known is None else made(digest, paths, storage),
    )


def _left_alone(index: int, known: Known, bytes_in: int) -> ItemResult:
    outputs = tuple(output for output, _ in known.outputs)
    modified = tuple(moment for _, moment in known.outputs)
    return ItemResult(
        index,
        outputs,
        skipped=known.skipped,
        bytes_in=bytes_in,
        made=Made(known.digest, modified, unchanged=True),
    )


def _deferred(runner: JobRunner, item: WorkItem, data: bytes) -> Deferred | None:
    """Why this image may not be decoded yet, if it may not."""
    weight = peak_bytes(runner, data, item.sink.names)
    admitted = max(item.admitted, _State.config.small)
    return Deferred(weight) if weight > admitted else None


def _alone(error: ProcessorError | StorageError) -> ProcessorError | StorageError:
    """`error` without what led to it, whose frames hold the image: as a cycle, until the next
    garbage collection, by which time some large images have used up the worker's memory."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _outputs(paths: list[str], processed: Processed) -> tuple[Output, ...]:
    return tuple(
        Output(
            path,
            image.size.width,
            image.size.height,
            len(image.data),
            image.format,
            image.frames,
        )
        for path, image in zip(paths, processed.images, strict=True)
    )


def _resources(known: Known | None) -> dict[str, bytes | str]:
    return {} if known is None else {path: _found(path) for path in known.resources}


def _digest(known: Known, data: bytes) -> str:
    found = (_State.resources[path] for path in known.resources)
    texts = (content.encode() if isinstance(content, str) else content for content in found)
    return digest_of(known, [data, *texts])


def _read_resource(path: str) -> bytes:
    content = _State.resources[path] if path in _State.resources else _found(path)
    if isinstance(content, str):
        raise ResourceUnavailable(content)
    return content


def _found(path: str) -> bytes | str:
    """The bytes of a file, or why it cannot be read."""
    try:
        return _State.config.storage.read(path)
    except StorageError as error:
        return str(error)


@lru_cache(_CACHED_PIPELINES)
def _runner(job: bytes) -> JobRunner:
    # Made by this service, never by a client: the engine's own channel.
    return runner_of(pickle.loads(job), _State.config.limits)


def _end_with_parent() -> None:
    """The kernel ends this process when the forkserver ends, which ends with the server."""
    _let_forkserver_end()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _let_forkserver_end() -> None:
    # It ends when the last copy of this descriptor is closed, and gives one to each worker: a
    # worker that hangs would keep it alive after the server, and be kept alive by it.
    held = getattr(forkserver, "_forkserver", None)
    descriptor = getattr(held, "_forkserver_alive_fd", None)
    if held is not None and descriptor is not None:
        os.close(descriptor)
        held._forkserver_alive_fd = None


def _keep_freed_memory() -> None:
    """Let malloc keep what an image has freed for the next one, which needs the same.

    By default glibc returns it, and the kernel clears it page by page when it is asked for again:
    half of the time that decoding a small JPEG takes.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        libc.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGEST_KEPT)


def _keep_threads_small() -> None:
    """Let threads share malloc's memory: each would reserve 64 MiB of the address space."""
    threading.stack_size(_STACK_BYTES)
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _return_freed_memory() -> None:
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _limit_memory(memory: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        memory = min(memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
