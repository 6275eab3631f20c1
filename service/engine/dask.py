"""The engine of many machines: a Dask cluster, whose workers have our process pools."""

import pickle
import threading
from concurrent.futures import Future

from service.engine.base import Engine, EngineClosed, EngineStatus, ItemResult, Task
from service.engine.dask_cluster import Tls
from service.engine.dask_session import Session
from service.engine.dask_worker import PoolConfig
from service.engine.worker import WorkerConfig


class DaskEngine(Engine):
    """Sends tasks to the workers of the Dask scheduler at `address`, `tcp://` or `tls://`.

    It starts without a cluster: tasks wait until one is there, and outlive its scheduler. An urgent
    one fails when there has been none for `patience` seconds, with ClusterAway; so do all
    while the cluster's workers are of another version, with ClusterDiffers. `timeout` is the
    seconds that a task may take. `workers` is how many tasks the cluster is expected to run at
    once, which counts until its workers are known.

    A task that was lost with the scheduler ends as WorkerCrashed without an exit code. One that
    was lost with a Dask worker is begun again by Dask, save where an item is not repeatable: that
    one is for a single process of the cluster, and is lost with it.
    """

    task_milliseconds = 400.0
    """The scheduler and both ends take some ten milliseconds for a task, all together."""

    def __init__(
        self,
        config: WorkerConfig,
        workers: int,
        timeout: float,
        address: str,
        patience: float,
        tls: Tls | None = None,
    ) -> None:
        self._config = pickle.dumps(PoolConfig(config, timeout))
        self._workers = workers
        self.address = address
        self._patience = patience
        self._tls = tls
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._closed = False

    @property
    def workers(self) -> int:
        session = self._session
        if session is not None:
            # While it is away, it is held for as large as it was.
            self._workers = session.slots or self._workers
        return self._workers

    def start(self) -> None:
        with self._lock:
            session = self._begun()
        session.wait()

    def reopen(self) -> None:
        with self._lock:
            self._closed = False

    def submit(self, task: Task) -> Future[list[ItemResult]]:
        with self._lock:
            return self._begun().submit(task)

    def status(self) -> EngineStatus:
        session = self._session
        workers = self.workers
        if session is None:
            return EngineStatus(False, workers, 0, 0)
        handed_out, waiting = session.load()
        busy = min(handed_out, workers)
        return EngineStatus(True, workers, busy, handed_out - busy + waiting, session.trouble)

    def close(self, timeout: float) -> None:
        with self._lock:
            session, self._session = self._session, None
            self._closed = True
        if session is not None:
            session.close(timeout)

    def _begun(self) -> Session:
        """The session; to be called with the lock held. Raises EngineClosed."""
        if self._closed:
            raise EngineClosed
        if self._session is None:
            self._session = Session(self.address, self._tls, self._config, self._patience)
        return self._session
