"""The framed protocol: messages with lengths in front, a JSON header and the bytes of an image."""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from processors.errors import ImageTooLarge
from service.errors import InvalidRequest, MalformedRequest, NotAuthorized
from service.ingest.answers import LENGTHS, MAX_HEADER, VERSION, message
from service.ingest.budget import Account
from service.ingest.connection import Connection
from service.ingest.conversation import Conversation
from service.ingest.intake import Depot, Intake, status_of
from service.normalising import Outcome
from service.problems import problem_of

_MAX_NAME = 1024
"""Characters: longer than any name that is kept, and short enough to be repeated in an answer."""

T = TypeVar("T", bound=BaseModel)


class _Hello(BaseModel):
    type: Literal["hello"]
    collection: str
    api_key: str | None = None


class _Image(BaseModel):
    type: Literal["image"]
    name: str = Field(max_length=_MAX_NAME)


class _End(BaseModel):
    type: Literal["end"]


_FIRST: Mapping[str, type[_Hello]] = {"hello": _Hello}
_NEXT: Mapping[str, type[_Image | _End]] = {"image": _Image, "end": _End}


class Framed(Conversation):
    """Each image is answered with what became of it, in order; several may be on their way."""

    protocol = "framed"

    def __init__(self, connection: Connection, depot: Depot) -> None:
        super().__init__(connection, depot)
        self._limits = depot.services.settings.limits

    async def start(self, account: Account) -> str:
        (version,) = await self.connection.exactly(1)
        if version != VERSION:
            detail = f"version {version} of the protocol is not known, version {VERSION} is"
            raise MalformedRequest(detail)
        hello, length = await self._header(_FIRST)
        _refuse_body(hello.type, length)
        self._check_key(hello.api_key)
        return hello.collection

    async def welcome(self) -> None:
        settings = self.depot.settings
        limits = {
            "images": settings.max_images,
            "image_bytes": self._limits.max_image_bytes,
            "pixels": self._limits.max_pixels,
            "idle_seconds": settings.idle_timeout,
            "total_seconds": settings.total_timeout,
        }
        await self.connection.write(message("ready", connection=self.connection.id, limits=limits))

    async def take_images(self, intake: Intake, account: Account) -> None:
        most, count = self.depot.settings.max_images, 0
        while True:
            header, length = await self._header(_NEXT)
            if isinstance(header, _End):
                _refuse_body(header.type, length)
                return
            count += 1
            if count > most:
                detail = f"more than {most} images in a folder (DARKROOM_INGEST_MAX_IMAGES)"
                raise InvalidRequest(detail)
            if length > self._limits.max_image_bytes:
                raise ImageTooLarge(
                    f"the image {header.name!r:.100} has {length} bytes, the limit is "
                    f"{self._limits.max_image_bytes} (DARKROOM_MAX_IMAGE_BYTES)"
                )
            account.expect(length)
            body = await self.connection.body(length, account.take)
            account.whole()
            self.connection.whole()
            await intake.put(header.name, body)

    async def report(self, outcomes: Sequence[Outcome]) -> None:
        results = b"".join(
            message(
                "result",
                name=outcome.name,
                status=status_of(outcome),
                error=outcome.error.model_dump() if outcome.error else None,
            )
            for outcome in outcomes
        )
        await self.connection.write(results)

    async def conclude(self, intake: Intake) -> None:
        counts = {name: intake.tally[name] for name in ("inserted", "existing", "failed")}
        await self.connection.write(message("summary", **counts))

    async def refuse(self, error: Exception) -> None:
        problem = problem_of(error).model_dump()
        await self.connection.write(message("error", problem=problem))

    async def _header(self, known: Mapping[str, type[T]]) -> tuple[T, int]:
        """The next header, and the length of the body behind it."""
        length, body = LENGTHS.unpack(await self.connection.exactly(LENGTHS.size))
        if length > MAX_HEADER:
            raise MalformedRequest(f"a header of {length} bytes; it has {MAX_HEADER} at most")
        header = _parsed(await self.connection.exactly(length), known)
        self.connection.whole()
        return header, body

    def _check_key(self, given: str | None) -> None:
        keys = self.depot.services.settings.server.api_keys
        shown = (given or "").encode(errors="replace")
        # All are compared: the time must not tell which one is right.
        known = sum(hmac.compare_digest(shown, key.get_secret_value().encode()) for key in keys)
        if keys and not known:
            detail = "this service wants an API key in `hello`, and this one is not known"
            raise NotAuthorized(detail)


def _parsed(data: bytes, known: Mapping[str, type[T]]) -> T:
    header = _object(data)
    named = header.get("type")
    model = known.get(named) if isinstance(named, str) else None
    if model is None:
        fitting = " or ".join(f"`{name}`" for name in known)
        raise MalformedRequest(f"a header of type {fitting} is expected, not {named!r:.100}")
    try:
        return model.model_validate(header, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        detail = f"the header `{named}` is wrong: {place}: {first['msg']}"
        raise MalformedRequest(detail) from None


def _object(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data.decode())
    except UnicodeDecodeError:
        raise MalformedRequest("the header is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"the header is not JSON: {error}") from None
    except (ValueError, RecursionError):
        detail = "the header is nested too deep, or has a number with too many digits"
        raise MalformedRequest(detail) from None
    if not isinstance(header, dict):
        raise MalformedRequest("the header is no JSON object")
    return header


def _refuse_body(type: str, length: int) -> None:
    if length:
        raise MalformedRequest(f"`{type}` has no body, this one has {length} bytes")
