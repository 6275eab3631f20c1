"""What a Dask worker of another version of the service loads."""

from service.engine import dask_worker
from service.engine.dask_version import versions
from service.engine.dask_worker import dask_setup, dask_teardown

__all__ = ["dask_setup", "dask_teardown"]

_ANOTHER = {**versions(), "numpy": "1.0"}
dask_worker.versions = lambda: _ANOTHER  # type: ignore[attr-defined]
