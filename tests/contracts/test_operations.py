"""What every operation of the catalogue keeps to, whatever it does to an image."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from fastapi.openapi.models import Schema

from processors.errors import StepFailed
from processors.operation import Image, Operation, Size, channels_of, size_of
from processors.registry import registry
from tests.processors.files import file_of, run_pixels
from tests.processors.similarity import similarity
from tests.processors.variations import variations
from tests.samples import photograph

OPERATIONS = list(registry())

MORE = {
    "resize": (
        "resize=7x5",
        "resize=30x50,cover",
        "resize=50x31,inside",
        "resize=50x31,contain,red",
        "resize=64x48,contain",
        "resize=20x9,cover,interpolation=lanczos,gravity=southeast",
        "resize=50x60,contain,interpolation=nearest,enlarge=false,gravity=north",
        "resize=20x60,cover,enlarge=false",
        "resize=30x60,contain,gravity=north",
        "resize=13x,interpolation=bicubic",
        "resize=1.5,interpolation=bilinear",
    ),
    "thumbnail": ("thumbnail=20", "thumbnail=9x40"),
    "zoom": ("zoom=1.7,0.9,0.1",),
    "square_crop": ("square_crop", "square_crop=5,southwest"),
    "smart_crop": ("smart_crop=9x31", "smart_crop=40x7", "smart_crop=3x3"),
    "pad": (
        "pad=1,2,3,4",
        "pad=9,mode=reflect",
        "pad=0,50,mode=blur",
        "pad=3,mode=edge",
        "pad=2,color=#ff000080",
        "pad=40x20,gravity=northwest",
        "pad=height=40,gravity=south,mode=blur",
    ),
    "split": ("split=1,1", "splitQuadrants=True", "split=none"),
    "rotate": ("rotate=30,false,white", "rotate=270", "rotate=-45"),
    "crop": (
        "crop=1x1",
        "crop=5,5,5000,5000",
        "crop=10%,20%,50%,50%",
        "crop=50%x33.3%,gravity=center",
        "crop=3x40,gravity=southeast,x=1,y=2",
    ),
    "convolve": (
        "convolve=[[1,2,1]],true",
        "convolve=[[0,1,0],[1,-4,1],[0,1,0]],offset=128",
        "convolve=[[1],[1],[1],[1],[-2]],true,-20",
    ),
    "lowpass": ("lowpass=0.05,ideal", "lowpass=0.05,butterworth,10"),
    "highpass": ("highpass=0.05,ideal", "highpass=0.3,butterworth,1,absolute"),
    "sharpen": ("sharpen=3,2,10",),
    "dx": ("dx=scharr,absolute", "dx=sobel,clip,3"),
    "dy": ("dy=scharr,absolute", "dy=sobel,clip,3"),
    "laplacian": ("laplacian=3,absolute", "laplacian=5,clip,2"),
    "canny": ("canny=20", "canny=10,10"),
    "opening": ("opening=5,ellipse",),
    "closing": ("closing=5,cross",),
    "noise": ("noise=40,7,true",),
    "watermark": (
        "watermark=testimages/cyclo4.jpg,center,3,0.2,0.5,true",
        "watermark=testimages/cyclo4.jpg,northwest,0,1,0.7",
    ),
    "text": (
        'text="a, b\\nc=d",northwest,2,14,red,2,white,navy,0.6',
        'text="Ünï 世界",center,0,20,outline=3',
    ),
    "round_corners": ("round_corners=50%,red", "round_corners=3,white"),
    "redact": (
        "redact=[[0,0,1,1]],fill,red",
        "redact=[[-3,-2,9,8],[0,0,2,2]],blur",
        "redact=[[-3,-2,29,18],[0,0,2,2]],pixelate,strength=0.2",
    ),
    "grid": ("grid=2,1,red,1", "grid=5,3"),
    "affine": (
        "affine=[[1,0,0],[0,1,0]]",
        "affine=[[0.6,-0.8,20],[0.8,0.6,-4]],40x30,bicubic,red",
        "affine=[[-1,0,30],[0,2,0]],interpolation=nearest",
    ),
    "perspective": (
        "perspective=[[0,0],[1,0],[1,1],[0,1]],unit=fraction",
        "perspective=[[-5,3],[40,-2],[33,50],[4,30]],background=red",
        "perspective=[[2,1],[9,1],[9,8],[2,8]],40x30,interpolation=bicubic",
        "perspective=[[2,1],[9,3],[9,8],[2,8]],interpolation=nearest",
    ),
    "trim": ("trim=60", "trim=90,gray", "trim=20,transparent", "trim=200,#ff000080"),
}
"""Uses that change several parameters at once, which the schema does not tell to be sensible."""

USES = [
    use
    for operation in OPERATIONS
    for use in dict.fromkeys(
        [*variations(operation), *map(registry().parse, MORE.get(operation.name(), ()))]
    )
]

SIZES = (Size(1, 1), Size(1, 7), Size(7, 1), Size(3, 2), Size(31, 47))

MOST_PIXELS = 250_000
"""Uses that would enlarge an image beyond it are left out, for the sake of time."""

LEAST_SIMILARITY = 0.96
"""Fast against exact, SSIM, on a photograph whose sides are whole blocks of JPEG; 0.98 is met. Most
is lost to a shrink just beyond a ratio of reduced decoding: its blocks are the low frequencies of
the DCT, a little sharper than the means of INTER_AREA. Other sizes: tests/processors/test_planner.
"""

by_name = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.name())
by_use = pytest.mark.parametrize("use", USES, ids=lambda use: use.text(), scope="module")
"""Of this scope the tests run use by use, so that they can share what it makes of the images."""


def images() -> Iterator[Image]:
    """Gray, colour and alpha, 8 and 16 bits, in every size; the last also as a view."""
    for size in SIZES:
        for channels in (1, 3, 4):
            for depth in (8, 16):
                yield photograph(*size, channels, depth)
    yield from (photograph(*size, channels)[::-1, ::-1] for channels in (1, 3, 4))


IMAGES = list(images())


def layouts(image: Image) -> Iterator[Image]:
    """The same pixels in other orders of memory."""
    yield np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1]
    yield np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)[::2, ::2]
    yield np.asfortranarray(image)


def sizes_within_reach(use: Operation, size: Size) -> list[Size] | None:
    """What the use predicts; None when that is too much for a test, or when it fails."""
    try:
        sizes = use.output_sizes(size)
    except StepFailed:
        return None
    return sizes if sum(found.pixels for found in sizes) <= MOST_PIXELS else None


def cases(use: Operation) -> Iterator[tuple[Image, list[Size]]]:
    """The images that the use can be applied to, with the sizes that it predicts."""
    found = [(image, sizes_within_reach(use, size_of(image))) for image in IMAGES]
    return ((image, sizes) for image, sizes in found if sizes is not None)


@lru_cache(maxsize=1)
def made(use: Operation) -> list[tuple[Image, list[Size], list[Image]]]:
    """The images that the use can be applied to, what it predicts, and what it makes of them."""
    return [(image, sizes, use.produce(image)) for image, sizes in cases(use)]


# --- the declaration ---------------------------------------------------------------------------


@by_name
def test_the_docstring_begins_with_a_sentence(operation: type[Operation]) -> None:
    assert "__doc__" in vars(operation)
    assert operation.summary().endswith(".")


@by_name
def test_every_parameter_is_described(operation: type[Operation]) -> None:
    fields = operation.model_fields
    assert [name for name in operation.parameters() if not fields[name].description] == []


@by_name
def test_the_schema_is_valid_and_closed(operation: type[Operation]) -> None:
    schema = operation.model_json_schema()
    Schema.model_validate(schema)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {"op", *operation.parameters()}
    assert [name for name, found in schema["properties"].items() if not _states_type(found)] == []


def _states_type(schema: dict[str, Any]) -> bool:
    if "anyOf" in schema:
        return all(map(_states_type, schema["anyOf"]))
    return "type" in schema or "$ref" in schema


@by_name
def test_the_example_is_a_use_of_the_operation(operation: type[Operation]) -> None:
    assert isinstance(registry().parse(operation.example), operation)


@by_name
def test_the_example_can_be_applied_to_a_photograph(operation: type[Operation]) -> None:
    assert registry().parse(operation.example).produce(photograph(400, 300))


@by_name
def test_the_name_is_found_by_each_alias(operation: type[Operation]) -> None:
    names = (operation.name(), *operation.aliases)
    assert [registry().get(name) for name in names] == [operation] * len(names)


# --- the text and the object form --------------------------------------------------------------


@by_use
def test_reading_the_text_form_gives_an_equal_operation(use: Operation) -> None:
    assert registry().parse(use.text()) == use


@by_use
def test_reading_the_object_form_gives_an_equal_operation(use: Operation) -> None:
    assert registry().parse(use.model_dump(mode="json")) == use


# --- the image ---------------------------------------------------------------------------------


@by_use
def test_the_image_is_left_as_it_is(use: Operation) -> None:
    for image, _ in cases(use):
        before = image.tobytes()
        use.produce(image)
        assert image.tobytes() == before, (image.shape, image.dtype)


@by_use
def test_the_sizes_are_those_predicted(use: Operation) -> None:
    for image, sizes, results in made(use):
        found = [size_of(result) for result in results]
        if use.predictable:
            assert found == sizes, image.shape
        else:
            pairs = zip(found, sizes, strict=True)
            assert all(
                one.width <= most.width and one.height <= most.height for one, most in pairs
            ), image.shape


@by_use
def test_depth_and_channels_are_those_predicted(use: Operation) -> None:
    for image, _, results in made(use):
        channels = use.output_channels(channels_of(image))
        for result in results:
            assert (result.dtype, channels_of(result)) == (image.dtype, channels), image.shape
            assert result.ndim == (2 if channels == 1 else 3)


@by_use
def test_the_memory_layout_does_not_matter(use: Operation) -> None:
    for image, _, expected in made(use):
        for other in layouts(image):
            found = use.produce(other)
            assert all(map(np.array_equal, found, expected)), (image.shape, image.dtype)


@by_use
def test_an_identity_changes_no_pixel(use: Operation) -> None:
    for image, _ in cases(use):
        if use.is_identity(size_of(image)):
            (result,) = use.produce(image)
            assert np.array_equal(result, image), (image.shape, image.dtype)


def failure_of(work: Callable[[], object]) -> tuple[str, str] | None:
    try:
        work()
    except StepFailed as error:
        return error.op, error.detail
    return None


@by_use
def test_what_cannot_be_predicted_cannot_be_applied(use: Operation) -> None:
    """Of all errors only StepFailed comes, from the prediction as from the image."""
    for image in IMAGES:
        predicted = failure_of(lambda: use.output_sizes(size_of(image)))  # noqa: B023 - called here
        if predicted is not None:
            assert failure_of(lambda: use.produce(image)) == predicted  # noqa: B023 - called here


# --- fast against exact ------------------------------------------------------------------------

PHOTOGRAPH = Size(400, 304)
JPEG = file_of(photograph(*PHOTOGRAPH), "jpeg", quality=92)


@by_use
def test_the_fast_result_looks_like_the_exact_one(use: Operation) -> None:
    if sizes_within_reach(use, PHOTOGRAPH) is None:
        use = registry().parse(type(use).example)
    fast = run_pixels(JPEG, use.text(), fidelity="fast")
    exact = run_pixels(JPEG, use.text(), fidelity="exact")
    found = [similarity(one, other) for one, other in zip(fast, exact, strict=True)]
    assert min(found) >= LEAST_SIMILARITY
