"""The memory that images of all connections may take."""

import asyncio

import pytest

from service.errors import TooManyConnections
from service.ingest.budget import Budget
from tests.stores import run


async def waiting(budget: Budget, count: int) -> asyncio.Task[None]:
    task = asyncio.create_task(budget.take(count))
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_who_asks_for_more_than_is_left_waits_in_turn() -> None:
    async def work() -> None:
        budget = Budget(100, 10)
        await budget.take(60)
        large = await waiting(budget, 50)
        small = await waiting(budget, 10)  # it would fit, but is not before its turn
        budget.give(60)
        await asyncio.gather(large, small)
        assert budget.lent == 60

    run(work())


def test_more_than_there_is_waits_until_it_is_alone() -> None:
    async def work() -> None:
        budget = Budget(100, 10)
        await budget.take(1)
        huge = await waiting(budget, 500)
        budget.give(1)
        await huge
        assert budget.lent == 500

    run(work())


def test_who_waits_for_what_does_not_move_is_refused() -> None:
    async def work() -> None:
        budget = Budget(100, 0.02)
        await budget.take(100)
        with pytest.raises(TooManyConnections, match="DARKROOM_INGEST_MEMORY"):
            await budget.take(1)
        budget.give(100)
        await budget.take(100)

    run(work())


def test_who_stops_waiting_leaves_the_others_their_turn() -> None:
    async def work() -> None:
        budget = Budget(100, 10)
        await budget.take(60)
        gone = await waiting(budget, 90)
        small = await waiting(budget, 40)
        gone.cancel()
        await small
        assert budget.lent == 100

    run(work())


def test_who_goes_in_the_moment_of_its_turn_gives_it_back() -> None:
    async def work() -> None:
        budget = Budget(100, 10)
        await budget.take(100)
        gone = await waiting(budget, 90)
        budget.give(100)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert budget.lent == (0 if gone.cancelled() else 90)

    run(work())


def test_an_account_gives_all_back_at_its_end() -> None:
    async def work() -> None:
        budget = Budget(100, 10)
        async with budget.account() as account:
            await account.take(70)
            account.give(20)
            assert budget.lent == 50
        assert budget.lent == 0

    run(work())
