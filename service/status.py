"""What the service does now: for the page, and for whoever asks for JSON."""

import asyncio
import platform
from datetime import UTC, datetime
from time import monotonic, perf_counter
from typing import Literal

import cv2
import numpy as np

from schemas.status import (
    CameraStatus,
    ConnectionStatus,
    Counters,
    EngineStatus,
    Health,
    JobsStatus,
    LimitStatus,
    MemoryStatus,
    ProcessStatus,
    ServiceStatus,
    StoreStatus,
    Versions,
)
from service.camera_views import state_view
from service.processes import family
from service.services import Services
from service.settings import Settings, parts, variables
from service.store.base import Store, StoreError
from service.units import Unit
from service.version import VERSION
from service.views import job_view

_STARTED = monotonic()
_STORE_SECONDS = 1.0
"""Who looks whether all is well does not wait for long."""

_JOBS_SHOWN = 20
_ROLES: tuple[Literal["server", "helper", "worker"], ...] = ("server", "helper", "worker")
"""By how far a process is from this one: workers are forked from a child."""


async def service_status(services: Services) -> ServiceStatus:
    """The service at this moment. A part that is away is told, and raises nothing."""
    (store, version), memory = await asyncio.gather(
        _store(services.store), asyncio.to_thread(_memory, services)
    )
    return ServiceStatus(
        time=datetime.now(UTC),
        uptime_seconds=round(monotonic() - _STARTED, 1),
        engine=_engine(services),
        store=store,
        camera=_camera(services),
        stream=_stream(services),
        ingest=_ingest(services),
        memory=memory,
        jobs=await _jobs(services.store, store),
        counters=_counters(services),
        versions=_versions(version),
        limits=limits_of(services.settings),
    )


def _engine(services: Services) -> EngineStatus:
    now = services.engine.status()
    if not now.running:
        detail = "The workers start with the first image."
    elif now.trouble:
        detail = f"{now.trouble[0].upper()}{now.trouble[1:]}."
    elif now.queued:
        detail = f"{now.queued} tasks wait for a worker."
    else:
        detail = "Working." if now.busy else "Nothing to do."
    state: Health = "trouble" if now.trouble else "ready" if now.running else "idle"
    return EngineStatus(
        state=state, detail=detail, workers=now.workers, busy=now.busy, queued=now.queued
    )


async def _store(store: Store) -> tuple[StoreStatus, str | None]:
    started = perf_counter()
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            version = await store.version()
    except (StoreError, TimeoutError) as error:
        detail = str(error) or f"It did not answer within {_STORE_SECONDS:g} s."
        away = StoreStatus(state="trouble", detail=detail, kind=store.kind, milliseconds=None)
        return away, None
    taken = round((perf_counter() - started) * 1000, 2)
    detail = f"Answers in {taken:.3g} ms."
    return StoreStatus(state="ready", detail=detail, kind=store.kind, milliseconds=taken), version


async def _jobs(store: Store, state: StoreStatus) -> JobsStatus:
    if state.state == "ready":
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                running = await store.jobs.page("running", None, _JOBS_SHOWN)
                unfinished = (await store.jobs.backlog()).jobs
            return JobsStatus(unfinished=unfinished, running=[job_view(job) for job in running])
        except (StoreError, TimeoutError):
            pass  # it went away in between; the next answer tells
    return JobsStatus(unfinished=None, running=[])


def _camera(services: Services) -> CameraStatus:
    now = state_view(services.camera)
    if now.problem is not None:
        detail = now.problem
    elif now.open:
        detail = f"{now.name}, {now.width} x {now.height} pixels." if now.width else f"{now.name}."
    else:
        detail = "Opens when somebody watches."
    state: Health = "trouble" if now.problem is not None else "ready" if now.open else "idle"
    return CameraStatus(
        state=state,
        detail=detail,
        open=now.open,
        viewers=now.viewers,
        fps=now.fps,
        recording=now.recording,
    )


def _stream(services: Services) -> ConnectionStatus:
    most = services.settings.stream.connections
    detail = f"Takes {most} connections."
    if services.settings.stream.port is not None:
        detail = f"Takes {most} connections, on port {services.settings.stream.port} as well."
    now = int(services.metrics.total("darkroom_streams"))
    return ConnectionStatus(state="ready", detail=detail, connections=now)


def _ingest(services: Services) -> ConnectionStatus:
    port = services.settings.ingest.port
    if port is None:
        detail = "No listener is set up (DARKROOM_INGEST_PORT)."
        return ConnectionStatus(state="off", detail=detail, connections=0)
    now = int(services.metrics.total("darkroom_ingest_connections"))
    detail = f"Listens on port {port}." if port else "Listens on a free port."
    return ConnectionStatus(state="ready", detail=detail, connections=now)


def _memory(services: Services) -> MemoryStatus:
    taken, waiting = services.dispatcher.admission.load()
    processes = family()
    return MemoryStatus(
        processes=[
            ProcessStatus(
                pid=one.pid,
                role=_ROLES[min(one.depth, 2)],
                memory_bytes=one.memory,
            )
            for one in processes
        ],
        total_bytes=sum(one.memory for one in processes) or None,
        budget_bytes=services.settings.engine.memory_budget,
        large_image_bytes=taken,
        large_images_waiting=waiting,
    )


def _counters(services: Services) -> Counters:
    total = services.metrics.total
    return Counters(
        requests=int(total("darkroom_request_seconds_count")),
        images=int(total("darkroom_images_total")),
        failures=int(total("darkroom_images_failed_total")),
        ingested=int(total("darkroom_ingest_images_total")),
        camera_pictures=services.camera.encodes,
    )


def _versions(store: str | None) -> Versions:
    return Versions(
        darkroom=VERSION,
        python=platform.python_version(),
        opencv=cv2.__version__,
        numpy=np.__version__,
        store=store,
    )


def limits_of(settings: Settings) -> list[LimitStatus]:
    """The settings that are numbers. Those that are text can be secrets, or say where things are.

    Ports are no limits.
    """
    found = []
    for part, model in parts().items():
        for variable in variables(model):
            value = getattr(getattr(settings, part), variable.field)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and not variable.secret and variable.field != "port":
                units = [item for item in variable.info.metadata if isinstance(item, Unit)]
                text = units[-1].render(value) if units else str(value)
                described = variable.info.description or ""
                found.append(LimitStatus(name=variable.name, value=text, description=described))
    return found
