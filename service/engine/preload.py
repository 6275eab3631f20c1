"""What the forkserver loads once, so that each worker has it when it is forked."""

import gc

# Modules stay: looking for garbage among them takes an eighth of the time of loading them.
gc.disable()

from processors import gaussian, jpeg_eighth  # noqa: E402
from processors.registry import registry  # noqa: E402
from service.engine import worker  # noqa: E402

__all__ = ["worker"]

registry()
gaussian.warm_up()
jpeg_eighth.warm_up()
# What is loaded stays: collecting garbage in a worker need not look at it, nor copy its pages.
gc.collect()
gc.freeze()
gc.enable()
