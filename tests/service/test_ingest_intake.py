"""How many images of one connection are under way at once."""

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI

from service.ingest.body import Body
from service.ingest.intake import Depot, Intake
from service.normalising import Outcome
from tests.conftest import services
from tests.service.storing import jpeg
from tests.stores import run

FEW = 65
IMAGES = 80


async def until_still(counted: list[str]) -> int:
    """How many there are when no more come by themselves."""
    before = -1
    while before != len(counted):
        before = len(counted)
        for _ in range(10):
            await asyncio.sleep(0)
    return before


def test_a_client_is_read_only_as_far_as_its_images_are_stored(app: FastAPI) -> None:
    body = jpeg(20, 10)
    taken: list[str] = []
    reported: list[Outcome] = []

    async def report(outcomes: Sequence[Outcome]) -> None:
        reported.extend(outcomes)

    async def work() -> None:
        depot = Depot(services(app))
        collection = await depot.collection("window")
        async with depot.budget.account() as account, asyncio.TaskGroup() as group:
            intake = Intake(depot, account, collection, report, lambda pipeline: pipeline)

            async def send() -> None:
                for number in range(IMAGES):
                    account.expect(len(body))
                    await account.take(len(body))
                    account.whole()
                    copied = Body()
                    copied.append(body)
                    await intake.put(f"{number}.jpg", copied)
                    taken.append(f"{number}.jpg")

            held = [depot.gate.acquire() for _ in range(16)]  # all others are busy
            await asyncio.gather(*held)
            group.create_task(intake.run())
            sending = group.create_task(send())
            assert 32 < await until_still(taken) <= FEW
            assert depot.budget.lent <= (FEW + 1) * len(body)
            for _ in held:
                depot.gate.release()
            await sending
            await intake.finish()
            assert depot.budget.lent == 0

    run(work())
    assert [one.name for one in reported] == taken
    assert {one.inserted for one in reported} == {True}
