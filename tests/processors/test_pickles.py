"""Pickles from outside: where they end, what is in them, and that nothing of them runs."""

import pickle
import pickletools
import random
import tracemalloc
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from processors.errors import (
    DamagedImage,
    EncodeError,
    ImageTooLarge,
    ProcessorError,
    UnsupportedFormat,
)
from processors.jobs import peak_bytes, runner_of
from processors.limits import Limits
from processors.operation import Image
from processors.pickled_image import FolderNames, PickledFolder, PickledImage
from processors.pickled_pixels import picture
from processors.pickles.opcodes import OPCODES
from processors.pickles.reader import Stand, read
from processors.pickles.scanner import PickleLimits, Scanner
from processors.pipeline import Runner
from processors.plan import Pipeline
from tests.hostile_pickles import COUNT, good, hostile, mutated, of_state, state
from tests.samples import photograph

PROTOCOLS = range(6)
LIMITS = PickleLimits(1 << 20)
MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"]


def made(mode: str) -> Pillow.Image:
    image = Pillow.fromarray(photograph(45, 33)[..., ::-1].copy())
    if mode == "PA":
        return image.convert("RGBA").convert("PA")
    return image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)


def as_file(image: Pillow.Image, **options: object) -> bytes:
    """Lossless, in a mode that PNG has."""
    if image.mode in ("CMYK", "YCbCr", "HSV", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" else "RGB")
    file = BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def pixels(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image  # type: ignore[return-value]


def run(data: bytes, limits: PickleLimits = LIMITS) -> bytes:
    job = PickledImage(Pipeline(), limits)
    return runner_of(job, Limits()).run(data, [None]).images[0].data


# --- where a pickle ends -----------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_the_end_is_found_however_the_bytes_come(protocol: int, step: int) -> None:
    data = pickle.dumps(good(), protocol)
    scanner, used = Scanner(LIMITS), 0
    for at in range(0, len(data) + 100, step):
        assert not scanner.done
        used += scanner.feed((data + b"fin" + bytes(97))[at : at + step])
        if scanner.done:
            break
    assert (scanner.done, used, scanner.size) == (True, len(data), len(data))


def test_what_is_announced_is_known_before_it_comes() -> None:
    data = pickle.dumps(good(200, 200), 4)
    scanner = Scanner(LIMITS)
    scanner.feed(data[:400])
    assert 200 * 200 * 3 < scanner.announced <= len(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x80\x04\x8e" + b"\xff" * 8, ImageTooLarge),
        (b"X\xff\xff\xff\xff", ImageTooLarge),
        (b"\x95" + b"\xff" * 8, ImageTooLarge),
        (b"]r\xff\xff\xff\xff", ImageTooLarge),
        (b"]p99999999999\n", ImageTooLarge),
        (b"\x8b\x00\x01\x00\x00", ImageTooLarge),
        (b"N" * 8001, ImageTooLarge),
        (b"I" + b"1" * 1001, ImageTooLarge),
        (b"\x80\x06", UnsupportedFormat),
        (b"cos\nsystem\n", UnsupportedFormat),
        (b"]pa\n", DamagedImage),
    ],
)
def test_too_much_is_refused_before_it_comes(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        Scanner(LIMITS).feed(data)


def test_the_walk_can_be_stopped_between_opcodes() -> None:
    data, scanner = pickle.dumps(good(), 2), Scanner(LIMITS)
    steps = at = 0
    while not scanner.done:
        at += scanner.feed(data[at:], 10)
        steps += 1
    opcodes = sum(1 for _ in pickletools.genops(data))
    assert (at, steps) == (len(data), -(-opcodes // 10))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_images_with_a_palette_and_many_texts_have_few_enough_opcodes(protocol: int) -> None:
    texts = PngInfo()
    for number in range(400):
        texts.add_text(f"key{number}", "text " * 100)
    file = BytesIO()
    made("RGB").quantize(256).save(file, "PNG", pnginfo=texts)
    data = pickle.dumps(Pillow.open(file), protocol)
    assert picture(read(data, LIMITS), Limits()).image.shape == (33, 45, 3)


@pytest.mark.parametrize("code", [code for code in range(256) if code not in OPCODES])
def test_an_opcode_outside_the_list_is_refused(code: int) -> None:
    with pytest.raises(UnsupportedFormat, match=f"0x{code:02x}"):
        Scanner(LIMITS).feed(bytes([code]))


# --- pixels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_pixels_are_those_of_a_lossless_file(mode: str, protocol: int) -> None:
    image = made(mode)
    found = picture(read(pickle.dumps(image, protocol), LIMITS), Limits())
    np.testing.assert_array_equal(found.image, pixels(as_file(image)), strict=True)


@pytest.mark.parametrize("mode", MODES)
def test_the_result_is_that_of_a_lossless_file(mode: str) -> None:
    image = made(mode)
    expected = Runner(Pipeline(), Limits()).run(as_file(image), "a.jpg").images[0].data
    job = PickledImage(Pipeline(), LIMITS)
    result = runner_of(job, Limits()).run(pickle.dumps(image), ["a.jpg"])
    assert result.images[0].data == expected


@pytest.mark.parametrize("options", [{"transparency": 3}, {"transparency": b"\0\x80\xff\x10"}])
def test_transparent_colours_of_a_palette_are(options: dict[str, object]) -> None:
    image = made("P")
    image.info.update(options)
    found = picture(read(pickle.dumps(image), LIMITS), Limits())
    np.testing.assert_array_equal(found.image, pixels(as_file(image)), strict=True)


def test_a_transparent_colour_is() -> None:
    image = made("RGB")
    image.info["transparency"] = image.getpixel((3, 3))
    found = picture(read(pickle.dumps(image), LIMITS), Limits())
    np.testing.assert_array_equal(found.image, pixels(as_file(image)), strict=True)


def test_sixteen_bits_in_mode_i_stay() -> None:
    deep = photograph(20, 10, 1, 16)
    found = picture(read(pickle.dumps(Pillow.fromarray(deep.astype(np.int32))), LIMITS), Limits())
    np.testing.assert_array_equal(found.image, deep, strict=True)


@pytest.mark.parametrize("mode", ["F", "La", "RGBa", "LAB"])
def test_a_mode_without_a_like_in_files_is_refused(mode: str) -> None:
    with pytest.raises(UnsupportedFormat, match=rf"mode '{mode}'.*convert\('RGB'\)"):
        picture(read(of_state(state(mode)), LIMITS), Limits())


def test_the_orientation_is_applied_as_for_a_file() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    file = BytesIO()
    made("RGB").save(file, "JPEG", exif=exif)
    opened = Pillow.open(file)
    expected = Runner(Pipeline(), Limits()).run(as_file(opened, exif=exif), None).images[0]
    assert pixels(expected.data).shape == (45, 33, 3)
    assert run(pickle.dumps(opened)) == expected.data


def test_what_pillow_puts_into_info_is_no_hindrance() -> None:
    file = BytesIO()
    made("RGB").save(file, "TIFF", dpi=(72.5, 71))
    opened = Pillow.open(file)
    opened.info["sizes"] = {(16, 16), (32, 32)}
    for protocol in PROTOCOLS:
        np.testing.assert_array_equal(
            pixels(run(pickle.dumps(opened, protocol))), pixels(as_file(made("RGB")))
        )


def test_too_many_pixels_are_refused_before_anything_is_made() -> None:
    data = of_state(state(size=(100_000, 100_000)))
    with pytest.raises(ImageTooLarge, match="megapixels"):
        picture(read(data, LIMITS), Limits())


def test_a_side_that_no_file_has_is_refused() -> None:
    data = of_state(state("L", size=(1_000_001, 1), data=bytes(1_000_001)))
    with pytest.raises(EncodeError, match="1000000"):
        run(data, limits=PickleLimits(1 << 21))


def test_a_large_pickle_has_to_be_admitted_as_a_large_file_has() -> None:
    data = pickle.dumps(good(200, 100))
    runner = runner_of(PickledImage(Pipeline(), LIMITS), Limits())
    assert peak_bytes(runner, data, [None]) > 3 * 200 * 100 * 3


def test_strings_of_python_2_are_bytes() -> None:
    image = b"U\x0c" + bytes(range(12))
    data = (
        b"\x80\x02cPIL.Image\nImage\nq\x00)\x81q\x01]q\x02(}q\x03U\x03RGBq\x04K\x02K\x02\x86q\x05N"
        + image
        + b"q\x06eb."
    )
    found = picture(read(data, LIMITS), Limits())
    assert found.image[0, 0].tolist() == [2, 1, 0]


# --- names -------------------------------------------------------------------------------------


def names(data: bytes) -> FolderNames:
    result = runner_of(PickledFolder(LIMITS), Limits()).run(data, [None])
    return FolderNames.from_json(result.images[0].data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_folder_is_read(protocol: int) -> None:
    listed = ["a.jpg", "ñandú 🚲.png", "x" * 1000, "a\0b", "\ud800"]
    assert names(pickle.dumps(("gatos", listed), protocol)) == FolderNames("gatos", listed)


def test_names_that_are_no_text_are_none() -> None:
    listed = [1, None, ["a"], {"a": 1}, b"bytes"]
    assert names(pickle.dumps(("f", listed))).images == [None] * 4 + ["bytes"]


@pytest.mark.parametrize("value", [None, "f", ("f",), ("f", "names"), (1, []), [1, 2, 3], {}])
def test_a_first_message_that_is_no_folder_is_refused(value: object) -> None:
    with pytest.raises(DamagedImage):
        names(pickle.dumps(value))


# --- hostile ones ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [2**61 - 1, 65_536, -1, 0.5, True, None, (1, 2)])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_key_whose_hash_can_be_chosen_is_refused(key: object, protocol: int) -> None:
    with pytest.raises(UnsupportedFormat, match="a dict of the pickle has a key"):
        read(pickle.dumps({key: 1}, protocol), LIMITS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_keys_that_images_have_are_taken(protocol: int) -> None:
    value = {"dpi": 1, "é" * 100: 2, b"exif": 3, 0x9286: 4}
    assert read(pickle.dumps(value, protocol), LIMITS) == value


@pytest.mark.parametrize("kind", [set, frozenset])
@pytest.mark.parametrize("protocol", [4, 5])
def test_what_is_in_a_set_is_not_hashed(kind: type, protocol: int) -> None:
    data = pickle.dumps([kind(["a", "b"])], protocol).replace(b"\x8c\x01b", b"K\x02]")
    (found,) = read(data, LIMITS)  # with a list in it, which no set could have
    assert isinstance(found, Stand)


def test_the_canary_sings_in_the_plain_loader(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickle.loads(f"cos\nsystem\n(Vtouch {canary}\ntR.".encode())
    assert canary.exists()


def test_a_thousand_hostile_pickles_run_nothing_and_take_little(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickles = list(hostile(canary))
    runner = runner_of(PickledImage(Pipeline(), LIMITS), Limits())
    accepted = []
    tracemalloc.start()
    for data in pickles:
        try:
            runner.run(data, [None])
        except ProcessorError:
            continue
        accepted.append(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(set(pickles)) > 900, len(pickles), accepted) == (True, COUNT, [])
    assert not canary.exists()
    assert peak < 32 << 20


def test_mutations_of_a_good_pickle_raise_nothing_but_ours() -> None:
    chance = random.Random(3)
    whole = [pickle.dumps(good(), protocol) for protocol in PROTOCOLS]
    runner = runner_of(PickledImage(Pipeline(), LIMITS), Limits())
    read_in = 0
    for _ in range(2000):
        try:
            runner.run(mutated(chance.choice(whole), chance), [None])
        except ProcessorError:
            continue
        read_in += 1
    assert read_in > 20  # changes of pixels leave an image
