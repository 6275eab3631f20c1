"""What a batch on the command line asks for, and the settings that it runs under."""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from schemas.batches import BatchRequest, ImagePair
from service.cli.patterns import PatternError, Template, expand, folder_of
from service.errors import InvalidRequest, MalformedRequest
from service.handlers import request_error
from service.jobs.walking import SearchTooLong, is_pattern, matches
from service.recipes import resolved
from service.remote.urls import shown
from service.services import storage_from
from service.settings import Settings, load_settings
from service.storage import StorageError

STDIN = "-"


@dataclass(frozen=True)
class Arguments:
    """A request as options: what is None or empty is not given."""

    inputs: list[str] = field(default_factory=list)
    output: str | None = None
    operations: list[str] = field(default_factory=list)
    encode: dict[str, Any] = field(default_factory=dict)
    fidelity: str | None = None
    on_invalid: str | None = None
    skip_unchanged: bool = False

    def given(self) -> bool:
        return self != Arguments()


def one_of(files: list[str], arguments: Arguments) -> BatchRequest:
    """The request of the one file, or of the options. Raises PatternError and RequestError."""
    return validated(body_of(files, arguments))


def body_of(files: list[str], arguments: Arguments) -> Any:
    """The same as it was given: JSON, save that images may be ImagePairs, and not yet checked."""
    if not files:
        return _body_of_options(arguments)
    if len(files) > 1 or arguments.given():
        raise MalformedRequest(
            "give one request file, or --input and --output with their options; put quotes around "
            "a pattern, so that the shell does not expand it"
        )
    return _read(files[0])


def _read(source: str) -> Any:
    """What is in a file, or on standard input. Raises RequestError."""
    name = "standard input" if source == STDIN else source
    try:
        data = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
        return json.loads(data)
    except OSError as error:
        raise MalformedRequest(f"{name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"{name} is not JSON: {error}") from None


def request_of(arguments: Arguments) -> BatchRequest:
    """The request that options stand for. Raises PatternError and RequestError."""
    return validated(_body_of_options(arguments))


def _body_of_options(arguments: Arguments) -> dict[str, Any]:
    if not arguments.inputs or arguments.output is None:
        raise MalformedRequest("give a request file, or --input and --output")
    template = Template(arguments.output)
    paths = expand(arguments.inputs, partial(_remote_matches, arguments))
    if template.is_fixed and len(paths) > 1:
        raise PatternError(
            f"--output {arguments.output!r} is one file for {len(paths)} images: "
            "put {stem}, {name} or {index} into it, or name a folder, with a / at its end"
        )
    pairs = [ImagePair(path, template.fill(path, index)) for index, path in enumerate(paths)]
    chosen = {"fidelity": arguments.fidelity, "on_invalid": arguments.on_invalid}
    return {
        "images": pairs,
        "operations": arguments.operations,
        "encode": arguments.encode,
        "skip_unchanged": arguments.skip_unchanged,
        **{name: value for name, value in chosen.items() if value is not None},
    }


def _remote_matches(arguments: Arguments, pattern: str) -> list[str]:
    """The URLs that match a pattern. Raises PatternError and SettingsError."""
    storage = storage_from(settings_for(arguments))
    try:
        found = list(matches(storage, pattern)) if is_pattern(storage, pattern) else [pattern]
    except (StorageError, SearchTooLong) as error:
        raise PatternError(f"--input {shown(pattern)!r}: {error}") from None
    if not found:
        raise PatternError(f"--input {shown(pattern)!r}: no object matches")
    return found


def validated(body: Any) -> BatchRequest:
    """`body` as the HTTP route reads it, with its messages. Raises RequestError."""
    if not isinstance(body, dict):
        raise InvalidRequest("a request is a JSON object", [("", "is not a JSON object")])
    try:
        return BatchRequest.model_validate(body)
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise request_error(RequestValidationError(found, body=body)) from None


def with_recipe(request: BatchRequest, settings: Settings) -> BatchRequest:
    """`request` with the operations of the recipe that it names, as the server reads it.

    Raises StoreError, RequestError and SettingsError.
    """
    if request.recipe is None:
        return request
    from service.app import store_from

    store = store_from(settings)

    async def resolve() -> BatchRequest:
        try:
            return await resolved(request, store.recipes)
        finally:
            await store.close()

    return asyncio.run(resolve())


def settings_for(arguments: Arguments) -> Settings:
    """The settings, with the folders and URLs that the options name among the roots.

    The roots keep the clients of a server, and request files from elsewhere, away from files that
    are not theirs. A folder typed into one's own shell is the user's own word: it is allowed, and
    nothing beside it. So a link in it that leads outside is refused all the same.
    Raises SettingsError and PatternError.
    """
    settings = load_settings()
    if not arguments.given() or arguments.output is None:
        return settings
    folders = [folder_of(pattern) for pattern in arguments.inputs]
    outputs = Template(arguments.output).folders(folders)
    return load_settings(
        read_roots=(*settings.storage.read_roots, *folders),
        write_roots=(*settings.storage.write_roots, *outputs),
    )
