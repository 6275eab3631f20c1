"""A lock between processes that does not stay locked when its holder is killed."""

import os
import signal
import time
from typing import Literal

import pytest

from service.engine.channel_lock import ChannelLock, LockingContext
from tests.workshop import PATIENCE

Deed = Literal["release", "hold"]


def take(lock: ChannelLock, deed: Deed) -> None:
    """Take the lock twice, as Pebble does, and be killed; what else a process can do with it."""
    assert lock.acquire()
    assert lock.acquire()
    lock.release()
    if deed == "release":
        lock.release()
    os.kill(os.getpid(), signal.SIGKILL)


def try_to_take(lock: ChannelLock) -> None:
    os._exit(int(lock.acquire(block=False)))


@pytest.fixture
def context() -> LockingContext:
    return LockingContext()


def ended(context: LockingContext, target: object, *arguments: object) -> int:
    """The exit code of a process that does this."""
    process = context.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join(PATIENCE)
    assert process.exitcode is not None
    return process.exitcode


def test_a_lock_excludes_other_processes_until_it_is_released_as_often_as_taken(
    context: LockingContext,
) -> None:
    lock = context.RLock()
    assert lock.acquire()
    assert lock.acquire()
    lock.release()
    assert ended(context, try_to_take, lock) == 0
    lock.release()
    assert ended(context, try_to_take, lock) == 1


def test_a_process_that_is_killed_leaves_a_lock_that_it_had_released(
    context: LockingContext,
) -> None:
    lock = context.RLock()
    assert ended(context, take, lock, "release") == -signal.SIGKILL
    assert not context.broken
    assert lock.acquire(block=False)


def test_a_lock_whose_holder_was_killed_is_broken_and_taken_by_nobody(
    context: LockingContext,
) -> None:
    lock = context.RLock()
    assert ended(context, take, lock, "hold") == -signal.SIGKILL
    assert context.broken
    assert not lock.acquire(block=False)
    before = time.monotonic()
    assert not lock.acquire(timeout=0.05)
    assert time.monotonic() - before >= 0.05


def test_a_lock_that_is_held_is_not_broken(context: LockingContext) -> None:
    lock = context.RLock()
    assert lock.acquire()
    assert not context.broken
