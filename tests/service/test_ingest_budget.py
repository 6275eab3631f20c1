"""The memory that images of all connections may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from service.errors import TooManyConnections
from service.ingest.budget import Account, Budget
from tests.stores import run

TOTAL = 100


@asynccontextmanager
async def accounts(budget: Budget, *expected: int) -> AsyncIterator[list[Account]]:
    """Of connections to which messages of so many bytes come."""
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(budget.account()) for _ in expected]
        for account, count in zip(found, expected, strict=True):
            account.expect(count)
        yield found


async def waiting(account: Account, count: int) -> asyncio.Task[None]:
    task = asyncio.create_task(account.take(count))
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_what_is_announced_and_does_not_come_takes_nothing() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, *[50] * 8, 92) as (*slow, quick):
            for account in slow:
                await account.take(1)
            await quick.take(92)
            assert budget.lent == TOTAL

    run(work())


def test_no_two_take_parts_that_leave_neither_what_it_needs() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, 80, 80) as (one, other):
            await one.take(50)
            late = await waiting(other, 40)  # 10 would be left: one needs 30, the other 40
            await one.take(30)
            one.whole()
            await asyncio.sleep(0)
            assert not late.done()  # the other could take it, but there are only 20
            one.give(80)
            await late
            await other.take(40)

    run(work())


def test_all_that_take_parts_come_in_whole() -> None:
    """Each in steps of 7 bytes, with less than half of what all of them need at once."""

    async def work() -> None:
        budget = Budget(TOTAL, 10)
        sizes = [60, 100, 35, 90, 20, 250, 80, 5]

        async def receive(size: int) -> None:
            async with budget.account() as account:
                for _ in range(3):
                    account.expect(size)
                    for at in range(0, size, 7):
                        await account.take(min(7, size - at))
                        assert budget.lent <= TOTAL or account.coming > TOTAL
                        await asyncio.sleep(0)
                    account.whole()
                    await asyncio.sleep(0)
                    account.give(size)

        async with asyncio.timeout(10):
            await asyncio.gather(*map(receive, sizes))
        assert budget.lent == 0

    run(work())


def test_small_ones_pass_those_that_wait() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, 70, 70, 10) as (one, large, small):
            await one.take(60)
            late = await waiting(large, 35)
            await small.take(10)
            small.whole()
            assert not late.done()
            one.whole()
            one.give(60)
            await late

    run(work())


def test_what_is_whole_counts_as_given_back() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, 60, TOTAL) as (stored, other):
            await stored.take(60)
            stored.whole()
            await other.take(40)  # it needs more than there is now, but that is on its way
            late = await waiting(other, 60)
            stored.give(60)
            await late

    run(work())


def test_more_than_there_is_waits_until_it_is_alone() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, 5, 500) as (small, huge):
            await small.take(1)
            await huge.take(90)
            late = await waiting(huge, 90)
            await small.take(4)
            small.whole()
            small.give(5)
            await late
            await huge.take(320)
            assert budget.lent == 500

    run(work())


def test_messages_that_turn_out_longer_do_not_wait_for_one_another() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        most = 0

        async def receive() -> None:
            nonlocal most
            async with budget.account() as account:
                account.expect(20)
                await account.take(20)
                account.expect(60)
                for _ in range(8):
                    await account.take(5)
                    most = max(most, budget.lent)
                    await asyncio.sleep(0)
                account.whole()
                await asyncio.sleep(0)

        async with asyncio.timeout(10):
            await asyncio.gather(*(receive() for _ in range(5)))
        assert TOTAL < most <= TOTAL + 60

    run(work())


def test_less_than_was_expected_lets_others_in() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, TOTAL, TOTAL) as (one, other):
            await one.take(60)
            late = await waiting(other, 30)
            one.expect(65)
            await late

    run(work())


def test_who_waits_for_what_does_not_move_is_refused() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 0.02)
        async with accounts(budget, TOTAL, 1) as (one, other):
            await one.take(TOTAL)
            with pytest.raises(TooManyConnections, match="DARKROOM_INGEST_MEMORY"):
                await other.take(1)
            assert not budget.crowded

    run(work())


def test_who_stops_waiting_leaves_the_others_their_turn() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, 60, 90, 90) as (one, gone, other):
            await one.take(60)
            one.whole()
            stopped = await waiting(gone, 90)
            late = await waiting(other, 90)
            stopped.cancel()
            await asyncio.gather(stopped, return_exceptions=True)
            one.give(60)
            await late
            assert (budget.lent, budget.crowded) == (90, False)

    run(work())


def test_who_goes_in_the_moment_of_its_turn_gives_it_back() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, TOTAL) as (one,):
            await one.take(TOTAL)
            one.whole()
            async with accounts(budget, 90) as (other,):
                gone = await waiting(other, 90)
                one.give(TOTAL)
                gone.cancel()
                await asyncio.gather(gone, return_exceptions=True)
            assert budget.lent == 0

    run(work())


def test_an_account_gives_all_back_at_its_end() -> None:
    async def work() -> None:
        budget = Budget(TOTAL, 10)
        async with accounts(budget, 70) as (one,):
            await one.take(70)
            one.whole()
            one.give(20)
            assert budget.lent == 50
        assert budget.lent == 0

    run(work())
