"""What the forkserver loads once, so that each worker has it when it is forked."""

import gc

from processors import gaussian, jpeg_eighth
from processors.registry import registry
from service.engine import worker

__all__ = ["worker"]

registry()
gaussian.warm_up()
jpeg_eighth.warm_up()
# What is loaded stays: collecting garbage in a worker need not look at it, nor copy its pages.
gc.collect()
gc.freeze()
