"""The composition root: the only place that opens backends."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from processors.registry import registry
from service import handlers, middleware
from service.ending import Ending
from service.engine.admission import small_bytes
from service.engine.base import Engine, EngineClosed, EngineError
from service.engine.dispatch import Dispatcher
from service.engine.local import LocalEngine
from service.engine.worker import WorkerConfig
from service.environment import SettingsError
from service.ingest.listener import Listener
from service.jobs.runner import JobRunner
from service.jobs.running import JobImages
from service.jobs.unchanged import Unchanged
from service.jobs.webhooks import WebhookCaller
from service.library import Library
from service.library.folder import Folder
from service.live.camera.metrics import CameraCollector
from service.live.camera.shared import SharedCamera
from service.live.streams import Streams
from service.metrics import Metrics
from service.services import Services, limits_from, storage_from
from service.settings import Settings, load_settings
from service.store.base import Store, StoreUnavailable
from service.store.sqlite import SqliteStore
from service.version import VERSION
from service.views import stored_result, webhook_body
from service.web import unknown_address

_log = logging.getLogger("darkroom.app")

SQLITE = "sqlite:///"
CLOSE_SECONDS = 1.0
"""What still runs then has had DARKROOM_SHUTDOWN_TIMEOUT."""

_EXIT_SECONDS = 0.5
"""For what follows: the store's end, and the process's."""

_LEAST_STOP_SECONDS = 1.0
"""For the jobs' results to be stored, however long the requests took to end."""

DESCRIPTION = """\
Many images in one request, an ordered list of operations, one answer.

Paths name files on the server. Try **POST /v1/batches**: its example works as it stands.
"""


def build_services(settings: Settings) -> Services:
    """The parts that `settings` describe. No process or connection is opened before its use."""
    storage, limits = storage_from(settings), limits_from(settings)
    workers, budget = settings.engine.workers, settings.engine.memory_budget
    small = small_bytes(budget, workers)
    config = WorkerConfig(storage, limits, settings.engine.worker_memory, small=small)
    engine = engine_from(settings, config)
    store = store_from(settings)
    metrics = Metrics(engine, store.jobs)
    dispatcher = Dispatcher(engine, storage, metrics.count_images, budget)
    metrics.watch(dispatcher.admission)
    library = Library(Folder(settings.store.library), store.images, dispatcher)
    webhooks = WebhookCaller(webhook_body, settings.webhook.secret, settings.webhook.allow_private)
    retention = settings.store.job_retention
    unchanged = Unchanged(store.outputs, settings.store.unchanged_retention)
    job_images = JobImages(storage, settings.limits.max_job_images, unchanged)
    runner = JobRunner(store.jobs, dispatcher, stored_result, webhooks, retention, job_images)
    camera = SharedCamera(settings.camera, dispatcher)
    metrics.register(CameraCollector(camera))
    ending = Ending()
    ending.listen(camera.end_streams)
    return Services(
        settings,
        storage,
        limits,
        engine,
        dispatcher,
        metrics,
        store,
        library,
        runner,
        unchanged,
        camera,
        ending,
    )


def engine_from(settings: Settings, config: WorkerConfig) -> Engine:
    """The engine that DARKROOM_ENGINE names, not yet started."""
    cluster, own = settings.cluster, settings.engine
    if cluster.scheduler is None:
        return LocalEngine(config, own.workers, own.task_timeout)
    # Only where it is used: Dask takes half a second.
    from service.engine.dask import DaskEngine
    from service.engine.dask_cluster import Tls

    files = (cluster.engine_tls_ca_file, cluster.engine_tls_cert, cluster.engine_tls_key)
    given = [file for file in files if file is not None]
    return DaskEngine(
        config,
        own.workers,
        own.task_timeout,
        cluster.scheduler,
        cluster.engine_patience,
        Tls(*given) if given else None,
    )


def store_from(settings: Settings) -> Store:
    """The store that DARKROOM_STORE names, not yet opened. Raises SettingsError."""
    url = settings.store.store.get_secret_value()
    if url.startswith(SQLITE):
        return SqliteStore(Path(url.removeprefix(SQLITE)))
    # Only where it is used: the driver takes a tenth of a second and ten megabytes.
    from service.store.mongo import MongoStore, check_url

    try:
        check_url(url)
    except ValueError as error:
        reason = f"MongoDB's driver calls it {error}"
        raise SettingsError(f"DARKROOM_STORE (value not shown): {reason}") from None
    return MongoStore(url)


async def _open(store: Store) -> None:
    """A database that is away may come back; one of a later version ends the start."""
    try:
        await store.open()
    except StoreUnavailable as error:
        _log.warning("starting without the store: %s", error)


def _warm_up(engine: Engine) -> None:
    """A cluster that is of another version may be replaced while the server runs."""
    try:
        engine.start()
    except EngineError as error:
        _log.warning("starting without workers: %s", error)


async def _scan(library: Library) -> None:
    try:
        report = await library.scan()
    except (StoreUnavailable, EngineClosed) as error:
        _log.warning("the library was not scanned: %s", error)
        return
    counts = report.model_dump(exclude={"failures"})
    _log.info("library: %s", ", ".join(f"{count} {name}" for name, count in counts.items()))
    for failure in report.failures:
        _log.warning("library: %s: %s", failure.path, failure.error.detail)


@asynccontextmanager
async def _stream_port(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    if settings.stream.port is None:
        yield
        return
    # Only where it is used: the server is no part of what a batch on the command line needs.
    from service.live.port import stream_port

    async with stream_port(app, settings.server.host, settings.stream.port, settings):
        yield


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. It works without its lifespan too, as a TestClient may use it.

    Raises SettingsError.
    """
    services = build_services(load_settings() if settings is None else settings)
    streams = Streams(services)
    listener = Listener(services)
    services.ending.listen(listener.end)
    for problem in registry().problems:
        _log.error("plugin %s was not loaded: %s", problem.plugin, problem.detail)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.engine.reopen()
        streams.reopen()
        services.camera.reopen()
        gc.freeze()  # what is loaded stays, and a collection in mid-batch need not look at it
        await _open(services.store)
        warm_up = asyncio.create_task(asyncio.to_thread(_warm_up, services.engine))
        scan = asyncio.create_task(_scan(services.library))
        services.runner.start()
        async with _stream_port(app, services.settings), listener.listening():
            with services.ending.on_signals():
                yield
        services.ending.begin()
        # The requests had their part of it already: the signal came before they were waited for.
        most = services.settings.server.shutdown_timeout - CLOSE_SECONDS - _EXIT_SECONDS
        left = services.ending.left(most, _LEAST_STOP_SECONDS)
        await asyncio.gather(
            asyncio.to_thread(services.camera.close),
            asyncio.to_thread(services.runner.stop, left),
        )
        scan.cancel()
        await asyncio.gather(scan, return_exceptions=True)
        await services.store.close()
        await asyncio.to_thread(services.engine.close, CLOSE_SECONDS)
        await warm_up  # it may wait for a cluster until the engine is closed

    app = FastAPIOffline(
        title="Darkroom",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        responses=handlers.RESPONSES,
        swagger_ui_parameters={"tryItOutEnabled": False, "defaultModelsExpandDepth": 0},
    )
    app.state.services = services
    app.state.streams = streams
    app.state.ingest = listener
    # Only where it is used: a batch on the command line has no routes.
    from service.routing import ROUTERS

    for router in ROUTERS:
        app.include_router(router)
    handlers.install(app)
    unknown_address.install(app)
    middleware.install(app, services)
    return app
