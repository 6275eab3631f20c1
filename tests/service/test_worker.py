"""What a worker does with an item, seen from inside its process."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from processors.errors import StepFailed
from processors.operation import Image
from service.engine import worker
from tests.plugins import Trap
from tests.workshop import Workshop, make_workshop


class Witness(Trap):
    """Fail, and let a test know whether the image is still held."""

    op: Literal["test_witness"] = "test_witness"
    example: ClassVar[str] = "test_witness"
    images: ClassVar[list[weakref.ref[Image]]] = []

    def apply(self, image: Image) -> Image:
        self.images.append(weakref.ref(image))
        raise ValueError("not to be worked out")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    made = make_workshop(tmp_path)
    monkeypatch.setattr(worker._State, "config", made.config, raising=False)
    return made


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_a_failed_step_does_not_hold_its_image(shop: Workshop) -> None:
    [result] = worker.run_task(shop.task(Witness()))
    assert isinstance(result.error, StepFailed)
    assert [image() for image in Witness.images] == [None]


class Lack(Trap):
    """Lack memory the first time."""

    op: Literal["test_lack"] = "test_lack"
    example: ClassVar[str] = "test_lack"
    trials: ClassVar[list[int]] = []

    def apply(self, image: Image) -> Image:
        self.trials.append(1)
        if len(self.trials) == 1:
            raise MemoryError
        return image.copy()


def test_an_image_that_lacks_memory_is_tried_again_when_freed_memory_is_returned(
    shop: Workshop,
) -> None:
    [result] = worker.run_task(shop.task(Lack()))
    assert result.error is None
