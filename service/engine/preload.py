"""What the forkserver loads once, so that each worker has it when it is forked."""

from processors import jpeg_eighth
from processors.registry import registry
from service.engine import worker

__all__ = ["worker"]

registry()
jpeg_eighth.warm_up()
