"""What the engine of a cluster does beside what every engine does (tests/contracts)."""

import asyncio
import gc
import pickle
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import cv2
import psutil
import pytest
from distributed.batched import BatchedSend

from processors.operation import Operation
from service.engine.base import (
    ClusterAway,
    ClusterDiffers,
    Engine,
    ItemResult,
    Task,
    WorkerCrashed,
    WorkItem,
)
from service.engine.dask import DaskEngine
from service.engine.dask_cluster import Tls
from service.engine.dask_version import differences, sources
from service.engine.dask_worker import PoolConfig, Pools
from service.engine.dispatch import Dispatcher
from service.engine.window import Window
from service.storage import SinkUnwritable, SourceUnreadable
from service.transfer import FileSink, MemoryFile, MemorySink, MemorySource
from tests.cluster import DaskCluster, dask_engine, end, free_port
from tests.live import ROOT, until
from tests.plugins import Confess, Record
from tests.samples import photograph
from tests.test_imports import imports, modules
from tests.workshop import PATIENCE, Gatekeeper, Workshop, make_workshop, pipeline

SOON = 0.3
"""Seconds that an engine waits for a cluster that is away."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return make_workshop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """One cluster for the tests that leave its two workers as they were."""
    with DaskCluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def engine(cluster: DaskCluster, shop: Workshop) -> Iterator[Engine]:
    with dask_engine(shop, 2, PATIENCE, cluster) as made:
        made.start()
        until(lambda: made.workers == 2)
        yield made


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gatekeeper]:
    with Gatekeeper(tmp_path) as keeper:
        yield keeper


def urgent(shop: Workshop, *steps: Operation, item: WorkItem | None = None) -> Task:
    return replace(shop.task(*steps, items=None if item is None else [item]), urgent=True)


async def batch(engine: Engine, shop: Workshop, count: int) -> list[ItemResult]:
    items = [shop.item(index) for index in range(count)]
    return [result async for result in Dispatcher(engine, shop.storage).run(pipeline(), items)]


def away(shop: Workshop, patience: float = SOON) -> DaskEngine:
    """An engine whose scheduler does not run."""
    address = f"tcp://127.0.0.1:{free_port()}"
    return DaskEngine(shop.config, 2, PATIENCE, address, patience)


# ------------------------------------------------------------------------- urgent tasks


def test_an_urgent_task_waits_for_no_batch(
    engine: Engine, shop: Workshop, gate: Gatekeeper
) -> None:
    held = [engine.submit(shop.task(gate.step())) for _ in range(6)]
    for _ in range(2):
        gate.wait()
    (result,) = engine.submit(urgent(shop)).result(PATIENCE)
    assert result.error is None
    gate.let(len(held))
    assert [future.exception(PATIENCE) for future in held] == [None] * len(held)


def test_an_urgent_task_fails_when_there_is_no_cluster(shop: Workshop) -> None:
    engine = away(shop)
    try:
        with pytest.raises(ClusterAway, match=r"scheduler tcp://127.0.0.1:\d+ cannot be reached"):
            engine.submit(urgent(shop)).result(PATIENCE)
        assert "cannot be reached" in engine.status().trouble
    finally:
        engine.close(0)


def test_an_engine_without_a_cluster_starts_and_closes(shop: Workshop) -> None:
    engine = away(shop)
    engine.start()
    assert engine.status().running
    waiting = engine.submit(shop.task())
    engine.close(PATIENCE)
    assert str(waiting.exception(0)) == "the service is shutting down"


# ---------------------------------------------------------------------- machines come and go


def test_tasks_of_batches_wait_for_a_cluster(shop: Workshop, tmp_path: Path) -> None:
    engine = away(shop, patience=0.05)
    try:
        engine.start()
        waiting = engine.submit(shop.task())
        until(lambda: engine.status().queued == 1)
        with DaskCluster(tmp_path, 1, port=int(engine.address.rpartition(":")[2])):
            assert waiting.result(PATIENCE)[0].error is None
    finally:
        engine.close(0)


def test_an_engine_outlives_a_scheduler_that_is_none(shop: Workshop, tmp_path: Path) -> None:
    with babbler() as port:
        engine = DaskEngine(shop.config, 2, PATIENCE, f"tcp://127.0.0.1:{port}", SOON)
        engine.start()
        until(lambda: "does not answer as one does" in engine.status().trouble)
    with DaskCluster(tmp_path, 1, port=port):
        try:
            assert engine.submit(shop.task()).result(PATIENCE)[0].error is None
        finally:
            engine.close(0)


@contextmanager
def babbler() -> Iterator[int]:
    """The port of a server that greets with the length of a message that no machine can hold."""

    def talk() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                connection.sendall((1 << 62).to_bytes(8, "little"))
                while connection.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_batch_that_is_stopped_does_not_wait_for_a_cluster(shop: Workshop) -> None:
    async def stopped(engine: Engine) -> list[ItemResult]:
        stop = False
        items = [shop.item(index) for index in range(3)]
        run = Dispatcher(engine, shop.storage).run(pipeline(), items, stopped=lambda: stop)
        waiting = asyncio.ensure_future(all_of(run))
        await asyncio.to_thread(until, lambda: engine.status().queued == len(items))
        stop = True
        return await asyncio.wait_for(waiting, PATIENCE)

    engine = away(shop)
    try:
        assert asyncio.run(stopped(engine)) == []
        until(lambda: engine.status().queued == 0)
    finally:
        engine.close(0)


async def all_of(results: AsyncIterable[ItemResult]) -> list[ItemResult]:
    return [result async for result in results]


def test_a_batch_outlives_its_scheduler(shop: Workshop, tmp_path: Path) -> None:
    async def work(cluster: DaskCluster, engine: Engine) -> list[ItemResult]:
        items = [shop.item(index) for index in range(30)]
        found = []
        async for result in Dispatcher(engine, shop.storage).run(pipeline(), items):
            found.append(result)
            if len(found) == 1:
                await asyncio.to_thread(cluster.kill_scheduler)
                restart = asyncio.create_task(asyncio.to_thread(cluster.restart))
        await restart
        return found

    with DaskCluster(tmp_path) as cluster, dask_engine(shop, 2, PATIENCE, cluster) as engine:
        results = asyncio.run(work(cluster, engine))
        assert sorted(result.index for result in results) == list(range(30))
        assert [result.error for result in results] == [None] * 30
        assert shop.leftovers() == []


def test_a_task_whose_dask_worker_is_killed_is_done_by_another(
    shop: Workshop, tmp_path: Path, gate: Gatekeeper
) -> None:
    with (
        DaskCluster(tmp_path, 1, nannies=True) as cluster,
        dask_engine(shop, 1, PATIENCE, cluster) as engine,
    ):
        future = engine.submit(shop.task(gate.step()))
        dask_worker_of(gate.wait()).kill()
        gate.wait()
        gate.let(1)
        assert future.result(PATIENCE)[0].error is None


def dask_worker_of(process: int) -> psutil.Process:
    """The Dask worker of a process that does image work: the parent of its forkserver."""
    return psutil.Process(process).parents()[1]


def test_what_must_not_be_done_twice_is_lost_with_its_dask_worker(
    cluster: DaskCluster, engine: Engine, shop: Workshop, gate: Gatekeeper, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    steps = (Record(path=str(log)), gate.step())
    future = engine.submit(shop.task(*steps, items=[shop.item(repeatable=False)]))
    dask_worker = dask_worker_of(gate.wait())
    number = [worker.pid for worker in cluster.workers].index(dask_worker.pid)
    cluster.kill_worker(number)
    error = future.exception(PATIENCE)
    cluster.add_workers(1)
    assert isinstance(error, WorkerCrashed)
    assert error.exit_code is None
    until(lambda: engine.workers == 2)
    assert [one.error for one in asyncio.run(batch(engine, shop, 4))] == [None] * 4
    assert log.read_text().split() == ["64"]


def test_a_machine_that_is_added_is_used(
    cluster: DaskCluster, engine: Engine, shop: Workshop, gate: Gatekeeper
) -> None:
    held = [engine.submit(shop.task(gate.step())) for _ in range(6)]
    busy = {gate.wait(), gate.wait()}
    cluster.add_workers(1)
    try:
        until(lambda: engine.workers == 3)
        # Dask moves one that waits to the new worker.
        assert gate.wait() not in busy
    finally:
        gate.let(len(held))
    assert [future.exception(PATIENCE) for future in held] == [None] * len(held)
    end(cluster.workers.pop())
    until(lambda: engine.workers == 2)


def test_a_window_has_room_for_the_workers_that_are_there_now() -> None:
    async def missing() -> list[int]:
        workers = 1
        window = Window(lambda: workers)
        found = [window.missing]
        workers = 3
        found.append(window.missing)
        for _ in range(6):
            window.add(asyncio.create_task(batch_of_none()), ())
        workers = 2
        return [*found, window.missing]

    assert asyncio.run(missing()) == [2, 6, 0]


async def batch_of_none() -> list[ItemResult]:
    return []


# --------------------------------------------------------------------- another version


def test_workers_of_another_version_get_no_task(shop: Workshop, tmp_path: Path) -> None:
    with (
        DaskCluster(tmp_path, 1, preload="tests.another_version").ready() as cluster,
        dask_engine(shop, 1, PATIENCE, cluster, patience=SOON) as engine,
    ):
        what = r"no Dask worker runs this version of the service: worker-1 has numpy 1\.0 \(here"
        with pytest.raises(ClusterDiffers, match=what):
            engine.start()
        with pytest.raises(ClusterDiffers, match=what):
            engine.submit(urgent(shop)).result(PATIENCE)
        with pytest.raises(ClusterDiffers, match=what):
            engine.submit(shop.task()).result(PATIENCE)
        assert "numpy 1.0" in engine.status().trouble
        cluster.add_workers(1, "service.engine.dask_worker")
        until(lambda: not engine.status().trouble)
        assert engine.workers == 1
        assert [one.error for one in asyncio.run(batch(engine, shop, 4))] == [None] * 4


def test_a_worker_that_knows_nothing_of_images_gets_no_task(shop: Workshop, tmp_path: Path) -> None:
    with (
        DaskCluster(tmp_path, 1, preload="").ready() as cluster,
        dask_engine(shop, 1, PATIENCE, cluster, patience=SOON) as engine,
        pytest.raises(ClusterDiffers, match="without --preload service"),
    ):
        engine.start()


# -------------------------------------------------------------------- several servers


def test_servers_with_other_settings_have_processes_of_their_own(
    cluster: DaskCluster, engine: Engine, shop: Workshop
) -> None:
    def memory(one: Engine) -> str:
        (result,) = one.submit(shop.task(Confess())).result(PATIENCE)
        return str(result.error).split()[-1]

    small = DaskEngine(replace(shop.config, memory=900 << 20), 2, 5.0, cluster.address, PATIENCE)
    try:
        found = [memory(one) for one in (engine, small, engine)]
    finally:
        small.close(0)
    assert found == [str(shop.config.memory), str(900 << 20), str(shop.config.memory)]


def test_a_server_that_closes_leaves_the_processes_of_another(
    cluster: DaskCluster, engine: Engine, shop: Workshop, gate: Gatekeeper
) -> None:
    def worker() -> int:
        future = engine.submit(shop.task(gate.step()))
        process = gate.wait()
        gate.let(1)
        assert future.exception(PATIENCE) is None
        return process

    before = {worker() for _ in range(4)}
    with dask_engine(shop, 2, PATIENCE, cluster) as other:
        assert [one.error for one in asyncio.run(batch(other, shop, 4))] == [None] * 4
    assert all(map(psutil.pid_exists, before))


def test_a_dask_worker_keeps_the_processes_of_a_few_servers_only(shop: Workshop) -> None:
    pools = Pools(1)

    def process(number: int) -> int:
        config = pickle.dumps(PoolConfig(shop.config, PATIENCE + number))
        found = pools.run(shop.task(Confess()), config, f"server {number}")
        assert isinstance(found, list)
        return int(str(found[0].error).split()[-3])

    try:
        processes = [process(number) for number in range(6)]
        until(lambda: [*map(psutil.pid_exists, processes)] == [False] * 2 + [True] * 4)
    finally:
        pools.close()


def test_a_server_that_has_left_gets_no_processes_again(shop: Workshop) -> None:
    pools = Pools(1)
    pools.leave("server")
    lost = pools.run(shop.task(), pickle.dumps(PoolConfig(shop.config, PATIENCE)), "server")
    assert isinstance(lost, WorkerCrashed)


# ------------------------------------------------------------------- uploads and results


def test_what_was_sent_is_not_kept(engine: Engine, shop: Workshop) -> None:
    engine.submit(urgent(shop)).result(PATIENCE)
    senders = [found for found in gc.get_objects() if isinstance(found, BatchedSend)]
    assert senders
    assert all(sender.recent_message_log.maxlen <= 10 for sender in senders)


def test_uploads_and_results_are_carried(engine: Engine, shop: Workshop) -> None:
    content = Path(shop.image(80)).read_bytes()
    with MemoryFile() as upload, MemoryFile() as results:
        upload.write(b"before" + content + b"after")
        results.write(b"kept")
        item = WorkItem(
            0,
            MemorySource(upload.path, 6, len(content)),
            MemorySink(results.path, "a.png", offset=4),
        )
        (result,) = engine.submit(urgent(shop, item=item)).result(PATIENCE)
        (output,) = result.outputs
        assert (output.path, output.width, output.format) == ("", 80, "png")
        assert results.read(0, 4) == b"kept"
        assert (
            results.read(4, output.bytes)
            == cv2.imencode(".png", cv2.imread(shop.image(80)))[1].tobytes()
        )


def test_an_upload_whose_request_has_ended_is_a_result(engine: Engine, shop: Workshop) -> None:
    with MemoryFile() as file:
        source = MemorySource(file.path)
    item = WorkItem(0, source, FileSink(str(shop.out / "never.png")))
    (result,) = engine.submit(urgent(shop, item=item)).result(PATIENCE)
    assert isinstance(result.error, SourceUnreadable)


def test_results_whose_request_has_ended_are_a_result(engine: Engine, shop: Workshop) -> None:
    with MemoryFile() as file:
        sink = MemorySink(file.path, "a.png")
    item = replace(shop.item(), sink=sink)
    (result,) = engine.submit(urgent(shop, item=item)).result(PATIENCE)
    assert isinstance(result.error, SinkUnwritable)


def test_an_upload_of_many_megabytes_is_carried(engine: Engine, shop: Workshop) -> None:
    with MemoryFile() as upload, MemoryFile() as results:
        upload.write(cv2.imencode(".bmp", photograph(3000, 1400))[1].tobytes())
        item = WorkItem(0, MemorySource(upload.path), MemorySink(results.path, "a.bmp"))
        (result,) = engine.submit(urgent(shop, item=item)).result(PATIENCE)
        assert result.error is None
        assert results.read(0, result.outputs[0].bytes)[:2] == b"BM"


# ---------------------------------------------------------------------------------- TLS


def certificates(folder: Path) -> Tls:
    """An authority, and one certificate for all."""
    files = Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    authority = folder / "ca-key.pem"
    signed = ("-CA", files.authority, "-CAkey", authority)
    for arguments in (
        ("-keyout", authority, "-out", files.authority, "-subj", "/CN=authority"),
        (*signed, "-keyout", files.key, "-out", files.certificate, "-subj", "/CN=cluster"),
    ):
        command = ["openssl", "req", "-x509", *key, *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)
    return files


def test_a_cluster_with_tls_takes_servers_with_a_certificate_alone(
    shop: Workshop, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    tls = certificates(tmp_path)
    with DaskCluster(tmp_path, 1, tls=tls) as cluster:
        engine = DaskEngine(shop.config, 1, PATIENCE, cluster.address, PATIENCE, tls)
        stranger = DaskEngine(shop.config, 1, PATIENCE, cluster.address.replace("tls", "tcp"), 1.0)
        try:
            assert engine.submit(urgent(shop)).result(PATIENCE)[0].error is None
            with pytest.raises(ClusterAway):
                stranger.submit(urgent(shop)).result(PATIENCE)
        finally:
            engine.close(0)
            stranger.close(0)


# -------------------------------------------------------------------------- the version


def test_the_fingerprint_covers_all_that_a_worker_imports() -> None:
    found, files = imports(), modules()
    reached, todo = set(), {"service.engine.dask_worker", "service.engine.preload"}
    while todo:
        reached |= todo
        todo = {name for module in todo for name in found[module] if name in files} - reached
    assert {files[module] for module in reached} <= set(sources())


def test_what_differs_is_said_by_name() -> None:
    theirs = {"code": "1", "numpy": "2.0"}
    ours = {"code": "1", "numpy": "2.4", "pebble": "5"}
    assert differences(theirs, ours) == "numpy 2.0 (here 2.4), pebble missing (here 5)"


def test_dask_is_not_loaded_where_it_is_not_used() -> None:
    code = "import service.app, sys; sys.exit('distributed' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
