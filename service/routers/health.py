"""Whether the service lives and is ready, and what it has done."""

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from service.dependencies import ServicesDependency
from service.engine.base import ClusterAway
from service.store.base import Store, StoreError

_STORE_SECONDS = 1.0
"""Those who ask whether a service is ready do not wait for long."""

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="The process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="The workers are there; 503 while they are not")
async def readyz(services: ServicesDependency) -> dict[str, str | int]:
    """`store` says whether the database is there: what needs none goes on without it."""
    await asyncio.to_thread(services.engine.start)
    if trouble := services.engine.status().trouble:
        raise ClusterAway(trouble)
    store = await _state(services.store)
    return {"status": "ready", "workers": services.engine.workers, "store": store}


async def _state(store: Store) -> str:
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            await store.ping()
    except (StoreError, TimeoutError):
        return "away"
    return "ready"


@router.get("/metrics", summary="Counters for Prometheus", response_class=Response)
async def metrics(services: ServicesDependency) -> Response:
    return Response(await services.metrics.scrape(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
