"""The composition root: the only place that opens backends."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from processors.registry import registry
from service import handlers, middleware
from service.engine.base import Engine
from service.engine.dispatch import Dispatcher
from service.engine.local import LocalEngine
from service.engine.worker import WorkerConfig
from service.metrics import Metrics
from service.routers import batches, health, items, operations, plans, problems, process
from service.services import Services, limits_from, storage_from
from service.settings import Settings, load_settings

_log = logging.getLogger("darkroom.app")

VERSION = "0.1.0"
CLOSE_SECONDS = 1.0
"""What still runs then has had DARKROOM_SHUTDOWN_TIMEOUT."""

DESCRIPTION = """\
Many images in one request, an ordered list of operations, one answer.

Paths name files on the server. Try **POST /v1/batches**: its example works as it stands.
"""


def build_services(settings: Settings) -> Services:
    """The parts that `settings` describe. No process or connection is opened before its use."""
    storage, limits = storage_from(settings), limits_from(settings)
    config = WorkerConfig(storage, limits, settings.engine.worker_memory)
    engine: Engine = LocalEngine(config, settings.engine.workers, settings.engine.task_timeout)
    metrics = Metrics(engine)
    dispatcher = Dispatcher(engine, storage, metrics.count_images)
    return Services(settings, storage, limits, engine, dispatcher, metrics)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. It works without its lifespan too, as a TestClient may use it.

    Raises SettingsError.
    """
    services = build_services(load_settings() if settings is None else settings)
    for problem in registry().problems:
        _log.error("plugin %s was not loaded: %s", problem.plugin, problem.detail)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.engine.reopen()
        gc.freeze()  # what is loaded stays, and a collection in mid-batch need not look at it
        warm_up = asyncio.create_task(asyncio.to_thread(services.engine.start))
        yield
        await warm_up
        await asyncio.to_thread(services.engine.close, CLOSE_SECONDS)

    app = FastAPIOffline(
        title="Darkroom",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        responses=handlers.RESPONSES,
        swagger_ui_parameters={"tryItOutEnabled": False, "defaultModelsExpandDepth": 0},
    )
    app.state.services = services
    for router in (batches, process, plans, operations, items, health, problems):
        app.include_router(router.router)
    handlers.install(app)
    middleware.install(app, services)
    return app
