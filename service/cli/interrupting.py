"""Conversations that Ctrl-C ends."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def run_interruptible(conversation: Coroutine[Any, Any, None]) -> None:
    """As asyncio.run, which lets Ctrl-C in between any two instructions of its own: at times that
    leaves an error of the event loop on the terminal. Here it is seen between two callbacks.

    Raises KeyboardInterrupt.
    """
    try:
        asyncio.run(_cancelled_by_interrupt(conversation))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _cancelled_by_interrupt(conversation: Coroutine[Any, Any, None]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await conversation
    finally:
        loop.remove_signal_handler(signal.SIGINT)
