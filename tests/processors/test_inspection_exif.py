"""EXIF tags as people read them, from files that Pillow wrote, and from damaged ones."""

import io
import random
import struct
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

from processors.inspection.exif import MAX_NUMBERS, MAX_TAGS, MAX_TEXT, readable_tags
from processors.inspection.report import TagValue
from processors.metadata import read
from processors.probing import sniff


def exif(main: dict[int, Any], inner: dict[int, Any], gps: dict[int, Any]) -> Pillow.Exif:
    found = Pillow.Exif()
    found.update(main)
    found.get_ifd(IFD.Exif).update(inner)
    found.get_ifd(IFD.GPSInfo).update(gps)
    return found


def camera() -> Pillow.Exif:
    return exif(
        {
            Base.Make: "Canon",
            Base.Model: "EOS R5",
            Base.Artist: "Zoe",
            Base.Copyright: "CC BY 4.0",
            Base.Software: "Darkroom",
        },
        {
            Base.DateTimeOriginal: "2024:05:06 07:08:09",
            Base.ExposureTime: IFDRational(1, 250),
            Base.FNumber: IFDRational(28, 10),
            Base.ISOSpeedRatings: 400,
            Base.FocalLength: IFDRational(50, 1),
            Base.LensSpecification: (24.0, 70.0, 2.8, 2.8),
            Base.ExposureBiasValue: IFDRational(-2, 3),
            Base.ExifVersion: b"0232",
            Base.UserComment: b"ASCII\0\0\0a comment",
            Base.MakerNote: b"\x01\x02" * 300,
        },
        place("N", "E", 0),
    )


def place(north: str, east: str, below: int) -> dict[int, Any]:
    return {
        GPS.GPSLatitudeRef: north,
        GPS.GPSLatitude: (48.0, 51.0, 29.6),
        GPS.GPSLongitudeRef: east,
        GPS.GPSLongitude: (2.0, 17.0, 40.2),
        GPS.GPSAltitudeRef: bytes([below]),
        GPS.GPSAltitude: IFDRational(355, 10),
    }


def file_with(tags: Pillow.Exif, kind: str) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(buffer, kind, exif=tags)
    return buffer.getvalue()


def tags_of(data: bytes) -> dict[str, TagValue]:
    return readable_tags(read(data, sniff(data)).exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_tags_of_a_camera_are_read(kind: str) -> None:
    found = tags_of(file_with(camera(), kind))
    expected = {
        "Make": "Canon",
        "Model": "EOS R5",
        "Artist": "Zoe",
        "Copyright": "CC BY 4.0",
        "Software": "Darkroom",
        "DateTimeOriginal": "2024:05:06 07:08:09",
        "ExposureTime": 0.004,
        "FNumber": 2.8,
        "ISOSpeedRatings": 400,
        "FocalLength": 50.0,
        "LensSpecification": [24.0, 70.0, 2.8, 2.8],
        "ExposureBiasValue": pytest.approx(-2 / 3),
        "ExifVersion": "0232",
        "UserComment": "a comment",
        "GPSLatitude": pytest.approx(48.8582222),
        "GPSLongitude": pytest.approx(2.2945),
        "GPSAltitude": 35.5,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert not {"MakerNote", "ExifOffset", "GPSInfo", "GPSLatitudeRef"} & set(found)


def block(*gps: dict[int, Any], **main: Any) -> bytes:
    tags = exif({Base[name]: value for name, value in main.items()}, {}, *(gps or ({},)))
    return tags.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize(
    ("north", "east", "below", "signs"),
    [("N", "E", 0, (1, 1, 1)), ("S", "W", 1, (-1, -1, -1)), ("S", "E", 0, (-1, 1, 1))],
)
def test_places_have_signs(north: str, east: str, below: int, signs: tuple[int, ...]) -> None:
    found = readable_tags(block(place(north, east, below)))
    names = ("GPSLatitude", "GPSLongitude", "GPSAltitude")
    expected = [sign * value for sign, value in zip(signs, (48.8582222, 2.2945, 35.5), strict=True)]
    assert [found[name] for name in names] == pytest.approx(expected)


def test_a_place_that_is_not_on_earth_is_left_out() -> None:
    found = readable_tags(block({GPS.GPSLatitude: (91.0, 0.0, 0.0), GPS.GPSLongitudeRef: "W"}))
    assert found == {}


def test_text_is_cut() -> None:
    found = readable_tags(block(Copyright="c" * 5000))
    assert found["Copyright"] == "c" * MAX_TEXT


def test_text_may_be_utf_8() -> None:
    data = block(Artist="Zo@@").replace(b"Zo@@", "Zoë".encode())
    assert readable_tags(data)["Artist"] == "Zoë"


def test_the_directory_of_a_tiff_is_read() -> None:
    found = tags_of(file_with(camera(), "TIFF"))
    assert (found["Make"], found["ImageWidth"], found["BitsPerSample"]) == ("Canon", 8, [8, 8, 8])


def test_text_of_older_cameras_is_latin_1() -> None:
    data = block(Artist="Zo@").replace(b"Zo@", b"Zo\xeb")
    assert readable_tags(data)["Artist"] == "Zoë"


def test_control_characters_are_no_text() -> None:
    assert readable_tags(block(Artist="a\x1b[31mb"))["Artist"] == "a [31mb"


def test_text_of_windows_is_read() -> None:
    assert readable_tags(block(XPTitle="Übung\0".encode("utf-16-le")))["XPTitle"] == "Übung"


def directory(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Little-endian EXIF data of one directory: tag, type, count, value."""
    body = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + body + bytes(4)


def test_big_endian_and_little_endian_are_read() -> None:
    assert readable_tags(directory((0x112, 3, 1, b"\6\0\0\0"))) == {"Orientation": 6}
    big = struct.pack(">2sHIHHHIHH", b"MM", 42, 8, 1, 0x112, 3, 1, 6, 0) + bytes(4)
    assert readable_tags(big) == {"Orientation": 6}


def test_a_ratio_without_a_value_is_left_out() -> None:
    found = directory((0x829D, 5, 1, struct.pack("<I", 26))) + struct.pack("<II", 1, 0)
    assert readable_tags(found) == {}


def test_a_long_list_of_numbers_is_left_out() -> None:
    data = directory((0x12D, 3, MAX_NUMBERS + 1, struct.pack("<I", 26))) + bytes(100)
    assert readable_tags(data) == {}


def test_a_value_behind_the_end_is_left_out_and_the_others_are_read() -> None:
    data = directory(
        (0x10F, 2, 2**31, struct.pack("<I", 26)),
        (0x110, 2, 40, struct.pack("<I", 2**32 - 1)),
        (0x112, 3, 1, b"\3\0\0\0"),
    )
    assert readable_tags(data) == {"Orientation": 3}


def test_directories_that_point_at_themselves_end() -> None:
    data = directory((34665, 4, 1, struct.pack("<I", 8)), (0x112, 3, 1, b"\3\0\0\0"))
    assert readable_tags(data) == {"Orientation": 3}


def test_the_number_of_tags_is_bounded() -> None:
    numbers = (tag for tag in range(0x100, 0xFFFF) if tag not in (34665, 34853, 40965))
    entries = [(tag, 3, 1, b"\1\0\0\0") for tag in numbers]
    assert len(readable_tags(directory(*entries[:60_000]))) <= MAX_TAGS


@pytest.mark.parametrize("data", [None, b"", b"II", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"??*\0"])
def test_what_is_no_directory_has_no_tags(data: bytes | None) -> None:
    assert readable_tags(data) == {}


def test_damage_never_raises() -> None:
    whole = camera().tobytes().removeprefix(b"Exif\0\0")
    chance = random.Random(5)
    for _ in range(2000):
        data = bytearray(whole[: chance.randrange(8, len(whole) + 1)])
        for _ in range(chance.randrange(6)):
            data[chance.randrange(2, len(data))] = chance.randrange(256)
        found = readable_tags(bytes(data))
        assert len(found) <= MAX_TAGS
