"""Variants: several results of one image, as if each had been made alone, for less work."""

from typing import ClassVar, Literal

import numpy as np
import pytest

from processors import pipeline as pipeline_module
from processors.encoding import EncodeOptions
from processors.errors import DamagedImage, StepFailed
from processors.jobs import peak_bytes, runner_of
from processors.limits import Limits
from processors.operation import Image, Operation, Size
from processors.pipeline import Processed, Runner
from processors.plan import Pipeline
from processors.registry import registry
from processors.variants import Variant, Variants, VariantsRunner
from tests.processors.files import file_of, pixels_of
from tests.processors.moving import animated, squares
from tests.processors.similarity import similarity
from tests.samples import photograph

PHOTOGRAPH = photograph(640, 480)
JPEG = file_of(PHOTOGRAPH, "jpeg", quality=95)
PNG = file_of(PHOTOGRAPH)
FRAMES = squares((30, 200, 10))


def variant(*texts: str, number: int = 0, **encode: object) -> Variant:
    steps = tuple(((number, at), registry().parse(text)) for at, text in enumerate(texts))
    return Variant(steps, EncodeOptions.model_validate(encode))


def job(common: tuple[str, ...], *variants: Variant, **settings: object) -> Variants:
    steps = tuple((at, registry().parse(text)) for at, text in enumerate(common))
    return Variants(Pipeline(steps, **settings), variants)  # type: ignore[arg-type]


def run(asked: Variants, data: bytes, *names: str) -> Processed:
    return VariantsRunner(asked, Limits()).run(data, names)


def alone(asked: Variants, number: int, data: bytes, name: str) -> list[bytes]:
    done = Runner(asked.pipelines()[number], Limits()).run(data, name)
    return [image.data for image in done.images]


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The ways in which images were decoded."""
    found: list[object] = []
    decode = pipeline_module.decode

    def counted(data: bytes, header: object, mode: object) -> Image:
        found.append(mode)
        return decode(data, header, mode)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline_module, "decode", counted)
    return found


class Counted(Operation):
    """Invert, and count how often."""

    op: Literal["counted"] = "counted"
    seen: ClassVar[list[Size]] = []

    def apply(self, image: Image) -> Image:
        self.seen.append(Size(image.shape[1], image.shape[0]))
        return 255 - image  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def none_counted() -> None:
    Counted.seen.clear()


def test_each_variant_is_as_if_made_alone() -> None:
    asked = job(
        ("flip",),
        variant("resize=0.5", quality=80),
        variant("grayscale", "blur=5"),
        variant("split=1,2"),
        fidelity="exact",
    )
    names = ("a.jpg", "b.png", "c.webp")
    done = run(asked, PNG, *names)
    found = [image.data for image in done.images]
    expected = [data for at, name in enumerate(names) for data in alone(asked, at, PNG, name)]
    assert found == expected
    assert [image.variant for image in done.images] == [0, 1, 2, 2]
    assert [image.format for image in done.images] == ["jpeg", "png", "webp", "webp"]


def test_the_image_is_decoded_once(decodings: list[object]) -> None:
    run(job((), variant("resize=320x"), variant("resize=80x")), JPEG, "a.png", "b.png")
    assert len(decodings) == 1


def test_it_is_decoded_no_smaller_than_the_largest_variant_needs(decodings: list[object]) -> None:
    done = run(job((), variant("resize=320x"), variant("resize=80x")), JPEG, "a.png", "b.png")
    assert [mode.reduction for mode in decodings] == [2]  # type: ignore[attr-defined]
    assert [image.size for image in done.images] == [(320, 240), (80, 60)]
    for image in done.images:
        whole = Runner(Pipeline(((0, registry().parse(f"resize={image.size.width}x")),)), Limits())
        expected = pixels_of(whole.run(PNG, "a.png").images[0].data)
        assert similarity(pixels_of(image.data), expected) > 0.97


def test_it_is_decoded_in_gray_only_when_all_are_gray(decodings: list[object]) -> None:
    run(job((), variant("grayscale"), variant("flip")), JPEG, "a.png", "b.png")
    run(job((), variant("grayscale"), variant("grayscale", "flip")), JPEG, "a.png", "b.png")
    assert [mode.channels for mode in decodings] == ["keep", "gray"]  # type: ignore[attr-defined]


def test_what_variants_have_in_common_is_done_once() -> None:
    steps = ((0, Counted()),)
    asked = Variants(Pipeline(steps), (variant("resize=0.5"), variant("flip"), variant()))
    run(asked, PNG, "a.png", "b.png", "c.png")
    assert Counted.seen == [(640, 480)]


def test_steps_that_variants_begin_with_alike_are_done_once() -> None:
    alike = ((0, 0), Counted())
    flip = ((0, 1), registry().parse("flip"))
    variants = (
        Variant((alike, flip), EncodeOptions()),
        Variant((((1, 0), Counted()),), EncodeOptions()),
    )
    done = run(Variants(Pipeline(), variants), PNG, "a.png", "b.png")
    assert len(Counted.seen) == 1
    flipped, plain = (pixels_of(image.data) for image in done.images)
    assert np.array_equal(flipped, plain[:, ::-1])


def test_a_variant_of_an_animation_may_be_still() -> None:
    data = animated(FRAMES, "PNG")
    done = run(job((), variant(), variant()), data, "a.webp", "b.jpg")
    assert [(image.format, image.frames) for image in done.images] == [
        ("webp", len(FRAMES)),
        ("jpeg", 1),
    ]


def test_a_step_that_fails_says_in_which_variant_it_is() -> None:
    asked = job((), variant("flip"), variant("flip", "crop=700,0,10,10", number=1))
    with pytest.raises(StepFailed) as caught:
        run(asked, PNG, "a.png", "b.png")
    assert caught.value.step == (1, 1)


def test_a_common_step_that_fails_is_no_variants() -> None:
    with pytest.raises(StepFailed) as caught:
        run(job(("crop=700,0,10,10",), variant(), variant()), PNG, "a.png", "b.png")
    assert caught.value.step == 0


def test_a_step_that_is_left_out_is_left_out_of_its_variant_only() -> None:
    asked = job(
        (), variant("flip"), variant("crop=700,0,10,10", "flip", number=1), on_invalid="skip"
    )
    done = run(asked, PNG, "a.png", "b.png")
    assert [failure.step for failure in done.skipped] == [(1, 0)]
    assert done.images[0].data == done.images[1].data


def test_a_damaged_image_is_refused() -> None:
    with pytest.raises(DamagedImage):
        run(job((), variant(), variant()), JPEG[:2000], "a.png", "b.png")


def test_the_estimate_of_memory_counts_what_is_kept_where_ways_part() -> None:
    one = peak_bytes(runner_of(job((), variant()), Limits()), PNG, ("a.png",))
    runner = runner_of(job((), variant(), variant("flip")), Limits())
    two = peak_bytes(runner, PNG, ("a.png", "b.png"))
    assert one >= PHOTOGRAPH.nbytes
    assert two >= peak_bytes(runner_of(Pipeline(), Limits()), PNG, ("a.png",)) + PHOTOGRAPH.nbytes
