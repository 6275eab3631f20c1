"""One connection, in the event loop that the service runs in."""

import asyncio
import pickle
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop
from fastapi import FastAPI

from service.errors import ConnectionTooSlow
from service.ingest.budget import Account
from service.ingest.connection import Connection, Disconnected
from service.ingest.intake import Depot
from service.ingest.legacy import Legacy
from tests.conftest import services
from tests.stores import run

NAMES = 2000


@asynccontextmanager
async def connected(
    idle: float = 10, crowded: Callable[[], bool] = lambda: False
) -> AsyncIterator[tuple[Connection, socket.socket]]:
    """A connection, and the client's end of it."""
    found: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(Connection("id", reader, writer, idle, crowded))

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    connection = await found
    try:
        yield connection, client
    finally:
        client.close()
        connection.abort()
        server.close()
        await server.wait_closed()


async def reset(connection: Connection, client: socket.socket) -> None:
    """As a killed client's system does; returns when the connection knows."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with pytest.raises(Disconnected):
        await all_of(connection)


async def all_of(connection: Connection, held: int = 0) -> None:
    while await connection.read(held):
        pass


@pytest.mark.parametrize("loop", [uvloop.run, run])
def test_who_was_reset_is_disconnected(loop: Callable[[Awaitable[None]], None]) -> None:
    async def work() -> None:
        async with connected() as (connection, client):
            await reset(connection, client)
            with pytest.raises(Disconnected):
                await connection.write(b"too late")
            await connection.finish()

    loop(work())


def test_who_holds_memory_that_others_wait_for_has_to_be_quick() -> None:
    held = 1 << 20

    async def work() -> None:
        waited_for = False
        async with connected(idle=1, crowded=lambda: waited_for) as (connection, client):
            sending = asyncio.create_task(drip(client))
            for _ in range(20):
                await connection.read(held)
            waited_for = True
            with pytest.raises(ConnectionTooSlow, match="DARKROOM_INGEST_IDLE_TIMEOUT"):
                await all_of(connection, held)
            sending.cancel()

    run(work())


async def drip(client: socket.socket) -> None:
    """20 KB a second: many times what is asked of who holds nothing."""
    while True:
        client.sendall(bytes(200))
        await asyncio.sleep(0.01)


def test_others_go_on_while_a_pickle_is_walked_over(app: FastAPI) -> None:
    data = pickle.dumps(("x", [str(number) for number in range(NAMES)]))

    async def turns(account: Account) -> int:
        found = 0
        while not account.held:
            found += 1
            await asyncio.sleep(0)
        return found

    async def work() -> None:
        async with connected() as (connection, _):
            depot = Depot(services(app))
            async with depot.budget.account() as account:
                connection.unread(data)  # all in one part
                walking = asyncio.create_task(Legacy(connection, depot).start(account))
                assert await turns(account) > 2 * NAMES / 1000
                await walking

    run(work())
