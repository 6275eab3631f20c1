"""How the commands import what they need."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Without garbage collections: modules stay, and looking through them takes an eighth of the
    time of loading them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
