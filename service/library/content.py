"""How the content of a library's image is named before it is made."""

import hashlib
import secrets

from processors.plan import Pipeline
from service.library.folder import ImageFile
from service.storage import Storage


def etag_of(file: ImageFile, pipeline: Pipeline, storage: Storage, version: str) -> str:
    """A strong entity tag (RFC 9110, 8.8.3): the file as it is now, and all that is done to it.

    Files that operations read are looked at, too: not for the event loop. Where one cannot be, as
    on the web, it may have changed, and the tag is a new one each time.
    """
    read = [path for _, operation in pipeline.steps for path in operation.resources]
    states = [storage.state_of_input(path) for path in read]
    steps = [operation.text() for _, operation in pipeline.steps]
    named = (
        file.path,
        file.bytes,
        file.modified.isoformat(),
        steps,
        pipeline.encode.model_dump_json(),
        pipeline.fidelity,
        pipeline.on_invalid,
        version,
        states,
        secrets.token_hex(8) if (0, 0) in states else "",
    )
    return f'"{hashlib.sha256(repr(named).encode()).hexdigest()[:32]}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has it already (RFC 9110, 13.1.2): a list of tags, or `*`."""
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags
