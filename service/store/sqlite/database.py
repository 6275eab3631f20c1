"""One SQLite file: a thread that writes, some that read, none of them the event loop's.

In WAL mode readers see the last commit and never wait for the writer. Work is a function of a
connection, run whole in one thread and, when it writes, in one transaction.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TypeVar

from service.store.base import StoreError, StoreUnavailable
from service.store.sqlite.schema import upgrade

T = TypeVar("T")

_READERS = 4
_BUSY_SECONDS = 5.0
"""How long a lock of another process is waited for, from when a call came."""


class Database:
    """The file at `path`, opened at the first use; its folder is made."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = threading.Lock()
        self._writer: ThreadPoolExecutor | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` on a connection that cannot write. Raises StoreUnavailable and StoreTooNew."""
        await self.open()
        return await self._run(self._threads()[1], work, writes=False)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` in a transaction: committed when this returns, undone when it raises."""
        return await self._run(self._threads()[0], work, writes=True)

    async def open(self) -> None:
        """Raises StoreUnavailable and StoreTooNew."""
        if not self._open:
            await self.write(lambda _: None)

    async def close(self) -> None:
        with self._lock:
            executors = [found for found in (self._writer, self._readers) if found]
            self._writer = self._readers = None
            self._local = threading.local()
            connections, self._open = self._open, []
        for executor in executors:
            await asyncio.to_thread(executor.shutdown)
        for connection in connections:
            connection.close()

    def _threads(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        with self._lock:
            if self._writer is None or self._readers is None:
                self._writer = ThreadPoolExecutor(1, "sqlite-writer")
                self._readers = ThreadPoolExecutor(_READERS, "sqlite-reader")
            return self._writer, self._readers

    async def _run(
        self,
        executor: ThreadPoolExecutor,
        work: Callable[[sqlite3.Connection], T],
        writes: bool,
    ) -> T:
        deadline = monotonic() + _BUSY_SECONDS

        def run() -> T:
            with _translated(self.path), self._connection(writes, deadline) as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(executor, run)

    @contextmanager
    def _connection(self, writes: bool, deadline: float) -> Iterator[sqlite3.Connection]:
        """This thread's own, in a transaction.

        Who waited for this thread has waited for the lock already: the times do not add up.
        """
        seconds = max(0.0, deadline - monotonic())
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(writes, seconds)
        connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _connect(self, writes: bool, seconds: float) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if writes:
                upgrade(connection, self.path)
            else:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._open.append(connection)
        return connection


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except (sqlite3.OperationalError, sqlite3.DatabaseError, OSError) as error:
        raise StoreUnavailable(f"the database {path.name} cannot be used: {error}") from error
