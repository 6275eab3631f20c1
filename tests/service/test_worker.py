"""What a worker does with an item, seen from inside its process."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from processors.errors import StepFailed
from processors.operation import Image
from processors.registry import registry
from processors.resources import reading
from service.engine import worker
from service.engine.base import ItemResult, Known
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


class Replace(Trap):
    """Put another file in the place of one."""

    op: Literal["test_replace"] = "test_replace"
    example: ClassVar[str] = "test_replace"
    path: str
    by: str

    def go_off(self) -> None:
        Path(self.path).write_bytes(Path(self.by).read_bytes())


def test_what_an_image_is_noted_to_be_made_of_is_what_it_is_made_of(shop: Workshop) -> None:
    """Its watermark is replaced between the two."""
    mark, before = Path(shop.image(16)), Path(shop.image(16)).read_bytes()
    replace = Replace(path=str(mark), by=shop.image(32))
    watermark = registry().parse(f"watermark={mark}")

    def done(*, known: bool) -> tuple[ItemResult, bytes]:
        item = shop.item()
        item.known = Known(b"recipe", (str(mark),)) if known else None
        with reading(worker._read_resource):
            [result] = worker.run_task(shop.task(replace, watermark, items=[item]))
        assert result.error is None
        return result, (shop.out / "0.png").read_bytes()

    of_first = done(known=True)
    _, of_second = done(known=False)
    again = done(known=True)
    mark.write_bytes(before)
    restored = done(known=True)
    assert of_first[1] == restored[1] != of_second == again[1]
    assert digest(of_first[0]) == digest(restored[0]) != digest(again[0])


def digest(result: ItemResult) -> str:
    assert result.made is not None
    return result.made.digest


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
