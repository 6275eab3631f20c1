"""The types of settings, first of all quantities as people write them: sizes, durations, pixels.

A field of type `ByteSize`, `Duration` or `Pixels` holds a plain number (bytes, seconds, pixels);
the unit is read on the way in, and written again by `Unit.render` in the documentation.

pydantic has a ByteSize of its own. It does not look at the end of the text, and so takes "1,5GiB"
for one byte: a limit must not be misread in silence.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    FiniteFloat,
    GetCoreSchemaHandler,
    SecretStr,
)
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import NoDecode

from service.camera.address import Address
from service.remote.urls import Url, is_url, parse_root

KIB, MIB, GIB = 2**10, 2**20, 2**30

# The digits are bounded so that no text can be a number too large for a float.
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([a-z]*)", re.IGNORECASE)

_ENGINE = re.compile(r"local|(dask|tls)://([^\s/:@]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


@dataclass(frozen=True)
class Allowed:
    """What a setting takes, in words: for the documentation and the message about a wrong value.

    Where a type carries several, the last one counts.
    """

    text: str


@dataclass(frozen=True)
class DefaultText:
    """How to show a default that is computed at the start."""

    text: str


@dataclass(frozen=True, eq=False)
class Unit:
    """A family of units, as metadata of an annotated number: text is read, numbers pass.

    `factors` maps a unit's name to its size in the base unit, largest first; `number` is the type
    of a value in the base unit. A part of a base unit is dropped where `number` is int.
    """

    base: str
    factors: Mapping[str, Fraction | int]
    number: type[int] | type[float]

    def parse(self, text: str) -> int | float:
        """Read "1.5GiB", in any case; a number alone is in the base unit.

        Raises ValueError when the text is no number or the unit is unknown.
        """
        match = _QUANTITY.fullmatch(text.strip())
        sizes = {name.lower(): size for name, size in self.factors.items()}
        size = sizes.get((match[2] or self.base).lower()) if match else None
        if match is None or size is None:
            raise ValueError(f"{text!r} is not a number with one of the units {', '.join(sizes)}")
        return self.number(Fraction(match[1]) * size)

    def render(self, value: float) -> str:
        """Write with the largest unit that needs two decimals at most: 1.5GiB; 90 s is 1.5m."""
        exact = Fraction(str(value))  # through text: 0.1 means a tenth, not its binary neighbour
        for name, size in self.factors.items():
            scaled = exact / size
            if scaled >= 1 and (scaled * 100).denominator == 1:
                return _digits(Decimal(scaled.numerator) / scaled.denominator) + name
        return _digits(Decimal(str(value))) + self.base

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def _read(self, value: object) -> object:
        return self.parse(value) if isinstance(value, str) else value


def _digits(number: Decimal) -> str:
    return f"{number.normalize():f}"


def split_commas(value: object) -> object:
    """Split text at its commas. Raises ValueError for an empty item: it would be the path `.`."""
    if not isinstance(value, str):
        return value
    items = [item.strip() for item in value.split(",")]
    if not all(items):
        raise ValueError("an item is empty")
    return items


def _roots(value: object) -> object:
    """The items of a list of roots, of which some are URLs. Raises ValueError."""
    items = split_commas(value)
    if not isinstance(items, list | tuple):
        return items
    return [parse_root(one) if isinstance(one, str) and is_url(one) else one for one in items]


def _writable(roots: tuple[Path | Url, ...]) -> tuple[Path | Url, ...]:
    """Raises ValueError for a web server, which takes no images."""
    if any(isinstance(root, Url) and root.is_web for root in roots):
        raise ValueError("web servers are read only")
    return roots


def lower_case(value: object) -> object:
    """Make text lower case, so that a choice can be written in any case."""
    return value.strip().lower() if isinstance(value, str) else value


def _store_url(value: object) -> object:
    """Raises ValueError for what is neither of the two kinds of database."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    path = text.removeprefix("sqlite:///")
    if not text.startswith(("mongodb://", "mongodb+srv://")) and (path == text or not path):
        raise ValueError("no database")
    return value


def _engine_url(value: object) -> object:
    """Raises ValueError for what is neither this machine nor a scheduler."""
    if not isinstance(value, str) or not _ENGINE.fullmatch(value):
        raise ValueError("no engine")
    return value


def _camera_source(value: object) -> object:
    """Raises ValueError for what names no source."""
    Address.parse(value.get_secret_value() if isinstance(value, SecretStr) else str(value))
    return value


def usable_cores() -> int:
    """Count the cores that this process may use: a container may grant fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


BYTES = Unit(
    base="B",
    factors={"GiB": GIB, "GB": 10**9, "MiB": MIB, "MB": 10**6, "KiB": KIB, "KB": 10**3, "B": 1},
    number=int,
)
SECONDS = Unit(
    base="s", factors={"h": 3600, "m": 60, "s": 1, "ms": Fraction(1, 1000)}, number=float
)
PIXELS = Unit(base="", factors={"MP": 10**6, "": 1}, number=int)

ByteSize = Annotated[
    int, BYTES, Field(ge=1), Allowed("a size such as 32MiB or 64MB, or a number of bytes")
]
Duration = Annotated[
    FiniteFloat,
    SECONDS,
    Field(ge=0),
    Allowed("a time such as 30s, 500ms, 2m or 1h, or a number of seconds"),
]
PositiveDuration = Annotated[
    Duration, Field(gt=0), Allowed("a time above zero such as 30s, 500ms or 2m, or seconds")
]
Pixels = Annotated[int, PIXELS, Field(ge=1), Allowed("a count such as 50MP, or a number of pixels")]
Flag = Annotated[bool, Allowed("true or false")]
OptionalFlag = Annotated[bool | None, Allowed("true or false")]
Count = Annotated[int, Field(ge=1), Allowed("a whole number, at least 1")]
Host = Annotated[str, Field(min_length=1), Allowed("an address or a host name")]
Port = Annotated[int, Field(ge=0, le=65535), Allowed("a whole number from 0 to 65535")]
OptionalPort = Annotated[Port | None, Allowed("a port from 0 to 65535, or nothing: no listener")]
CameraSource = Annotated[
    SecretStr,
    BeforeValidator(_camera_source),
    Allowed("a number of a device, a file, a URL (rtsp, http, https), test or auto"),
]
ApiKey = Annotated[SecretStr, Field(min_length=16)]
Secret = Annotated[
    Annotated[SecretStr, Field(min_length=16)] | None,
    Allowed("a secret of at least 16 characters"),
]
ApiKeys = Annotated[
    tuple[ApiKey, ...],
    NoDecode,
    BeforeValidator(split_commas),
    Allowed("keys of at least 16 characters each, separated by commas"),
]
ReadRoots = Annotated[
    tuple[Path | Url, ...],
    NoDecode,
    BeforeValidator(_roots),
    Field(min_length=1),
    Allowed(
        "folders, and URLs such as s3://bucket/folder, gs://bucket, az://container, "
        "https://host/folder or https://*, separated by commas"
    ),
]
WriteRoots = Annotated[
    tuple[Path | Url, ...],
    NoDecode,
    BeforeValidator(_roots),
    AfterValidator(_writable),
    Field(min_length=1),
    Allowed(
        "folders, and URLs such as s3://bucket/folder, gs://bucket or az://container, separated by "
        "commas"
    ),
]
MemoryBudget = Annotated[ByteSize, DefaultText("half of the memory that the service may use")]
WorkerMemory = Annotated[ByteSize, Field(ge=768 * MIB), Allowed("a size of at least 768MiB")]
Workers = Annotated[Count, DefaultText("the number of usable cores")]
Folder = Annotated[Path, Allowed("a folder")]
StoreUrl = Annotated[
    SecretStr,
    BeforeValidator(_store_url),
    Allowed("sqlite:///PATH or mongodb://USER:PASSWORD@HOST/DATABASE"),
]
EngineUrl = Annotated[
    str,
    BeforeValidator(_engine_url),
    Allowed("local, dask://HOST:PORT or tls://HOST:PORT"),
]
PemFile = Annotated[FilePath | None, Allowed("a file in PEM")]
LogFile = Annotated[Path | None, Allowed("a path")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(lower_case),
    Allowed("debug, info, warning or error"),
]
LogFormat = Annotated[
    Literal["plain", "json"], BeforeValidator(lower_case), Allowed("plain or json")
]
