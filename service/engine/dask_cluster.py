"""A connection to a Dask scheduler that comes back, and what is known of the workers there."""

import asyncio
import logging
import pickle
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from dask.base import annotate
from distributed import Client, KilledWorker, Security
from distributed.client import FutureCancelledError
from distributed.comm.addressing import get_address_host_port

from service.engine.dask_version import differences, versions
from service.engine.dask_worker import LEAVE, NAME

_log = logging.getLogger("darkroom.cluster")

LOOK_SECONDS = 1.0
"""How often the scheduler is asked for its workers."""

_LOOK_SECONDS_AWAY = 0.1
"""The same, while there is none."""

_SECONDS_A_WORKER = 0.005
"""What a look waits longer for each worker: a thousand are a megabyte of answer."""

_MESSAGES_KEPT = 10
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
_LEAVE_SECONDS = 5.0
_LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application")


class Lost(Exception):
    """A task was lost with the scheduler, or with several workers one after the other."""


@dataclass(frozen=True)
class Tls:
    """Paths of files in PEM: the authority that both sides trust, this side's certificate, key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Member:
    """A worker that tasks may be given. `process` is another one after it was started again."""

    name: str
    address: str
    process: str
    slots: int


class Cluster:
    """The connection. It belongs to one event loop, as do all its methods.

    `changed` is called after each look at the workers. `members` are those that tasks may be given,
    which run `slots` tasks of batches at once; `processes` are theirs, and those of workers that
    take no more. `trouble` is why there are no members, and `differs` is whether there are only
    workers of another version; that is so since `away_since`, in time.monotonic().
    """

    def __init__(self, address: str, tls: Tls | None, changed: Callable[[], None]) -> None:
        self._address = address
        self._tls = tls
        self._changed = changed
        self._client: Client | None = None
        self._strangers: frozenset[str] = frozenset()
        self.members: tuple[Member, ...] = ()
        self.slots = 0
        self.processes: frozenset[str] = frozenset()
        self.trouble = f"the Dask scheduler {address} was not reached yet"
        self.differs = False
        self.away_since = time.monotonic()

    async def stay(self) -> None:
        """Be connected, again and again, until this is cancelled."""
        _hand_over_log()
        # What is uploaded goes with its task, and is bounded by DARKROOM_MAX_BODY.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"})
        # Dask keeps its last 1,000 messages for developers, each of up to a megabyte of an upload.
        dask.config.set({"distributed.admin.low-level-log-length": _MESSAGES_KEPT})
        while True:
            why = "cannot be reached"
            try:
                await self._stay_until_lost()
            except (OSError, TimeoutError):
                pass
            except Exception as error:  # noqa: BLE001 - whatever speaks there, it may be mended
                why = f"does not answer as one does ({type(error).__name__})"
            self._note_away(why)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _stay_until_lost(self) -> None:
        """Raises OSError and TimeoutError when the scheduler cannot be reached, and whatever Dask
        raises when something else is there."""
        await self._knock()
        client = Client(
            self._address,
            asynchronous=True,
            set_as_default=False,
            security=self._security(),
            timeout=_CONNECT_SECONDS,
            name=NAME,
        )
        try:
            async with client:
                self._client = client
                await self._watch(client)
        finally:
            self._client = None
            await client.close()  # where it was not connected yet, and so was not entered

    async def _knock(self) -> None:
        """Whether anybody is there at all: Dask would wait longer and longer between its trials."""
        host, port = get_address_host_port(self._address)
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()

    async def run(
        self, call: bytes, key: tuple[str, str], resources: Mapping[str, int], urgent: bool
    ) -> Any:
        """What the pickled `call` gives when a worker unpickles it. Raises Lost.

        The scheduler needs no code of ours so, which it would for a function. When this is
        cancelled, the task is dropped, or stopped where it runs.
        """
        if self._client is None:
            raise Lost
        with annotate(executor=NAME):
            future = self._client.submit(
                pickle.loads,
                call,
                key=key,
                pure=False,
                retries=0,
                priority=10 if urgent else 0,
                resources=dict(resources),
            )
        try:
            return await future
        except KilledWorker as error:
            raise Lost from error
        except (FutureCancelledError, OSError, TimeoutError) as error:
            # Before the next look: what is begun again would be lost again, in no time.
            self._note_away()
            raise Lost from error
        finally:
            future.release()

    async def leave(self, server: str) -> None:
        """Tell the workers that `server` is closed, and wait until they have stopped what they
        had for it alone; for some seconds at most."""
        scheduler = None if self._client is None else self._client.scheduler
        if scheduler is None or not self.members:
            return
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await scheduler.broadcast(
                    msg={"op": LEAVE, "server": server},
                    workers=[member.address for member in self.members],
                    on_error="ignore",
                )

    async def _watch(self, client: Client) -> None:
        # It tries to reconnect by itself, for _CONNECT_SECONDS; then it is closed.
        while client.status in ("running", "connecting"):
            await self._look(client)
            pause = LOOK_SECONDS + _SECONDS_A_WORKER * len(self.members)
            await asyncio.sleep(pause if self.members else _LOOK_SECONDS_AWAY)

    async def _look(self, client: Client) -> None:
        if client.status != "running" or client.scheduler is None:
            self._note_away()
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                found = await client.scheduler.identity(n_workers=-1)
        except (OSError, TimeoutError):
            self._note_away()
            return
        # A scheduler that was started again knows nothing of this client.
        if client.status == "running":
            self._note_workers(found["workers"])

    def _note_workers(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        members, strangers, processes = [], {}, []
        for address, worker in found.items():
            told = worker.get(NAME) or {}
            name = str(worker.get("name", address))
            if told.get("versions") != dict(versions()):
                strangers[address] = _strange(name, told)
                continue
            processes.append(told["process"])
            if worker["status"] == "running":
                members.append(Member(name, address, told["process"], told["slots"]))
        self._log_strangers(strangers)
        self.differs = bool(strangers) and not members
        self.trouble = "" if members else self._why_none(list(strangers.values()))
        self._note(tuple(members), frozenset(processes))
        self._changed()

    def _note_away(self, why: str = "cannot be reached") -> None:
        self.differs = False
        self.trouble = f"the Dask scheduler {self._address} {why}"
        self._note((), frozenset())
        self._changed()

    def _note(self, members: tuple[Member, ...], processes: frozenset[str]) -> None:
        if self.members and not members:
            self.away_since = time.monotonic()
            _log.warning("the cluster is away: %s", self.trouble)
        if members and not self.members:
            _log.info("the cluster is there")
        self.members, self.processes = members, processes
        self.slots = sum(member.slots for member in members)

    def _log_strangers(self, strangers: Mapping[str, str]) -> None:
        for address in strangers.keys() - self._strangers:
            _log.warning("a Dask worker gets no tasks: %s", strangers[address])
        self._strangers = frozenset(strangers)

    def _why_none(self, strangers: list[str]) -> str:
        if strangers:
            return f"no Dask worker runs this version of the service: {strangers[0]}"
        return f"the Dask scheduler {self._address} has no worker"

    def _security(self) -> Security | None:
        if self._tls is None:
            return None
        return Security(
            require_encryption=True,
            tls_ca_file=str(self._tls.authority),
            tls_client_cert=str(self._tls.certificate),
            tls_client_key=str(self._tls.key),
        )


def _strange(name: str, told: Mapping[str, Any]) -> str:
    """Why a worker gets no tasks."""
    if not told:
        return f"{name} was started without --preload service.engine.dask_worker"
    return f"{name} has {differences(told.get('versions', {}), versions())}"


def _hand_over_log() -> None:
    """Dask writes to standard error by itself: its lines belong to the service's log."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # A connection that is lost is an error with a traceback for it, and an everyday thing here.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
