"""Results of one image as the answer to a request."""

import asyncio
import zipfile
from dataclasses import asdict
from io import BytesIO
from pathlib import PureWindowsPath
from typing import Any

from fastapi import Response

from processors.formats import FORMAT_TRAITS
from processors.pipeline import Timings
from service.engine.base import ItemResult
from service.transfer import MemoryFile
from service.uploads import BINARY

_NOT_IN_NAMES = frozenset('<>:"/\\|?*')
_MAX_STEM = 50
_MOST_STEPS = 100

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The image; several as a ZIP.",
        "content": {
            **{traits.media_type: BINARY for traits in FORMAT_TRAITS.values()},
            "application/zip": BINARY,
        },
    }
}
"""What OpenAPI says of `image_response`."""


async def image_response(
    result: ItemResult, sink: MemoryFile, name: str | None, skipped: int
) -> Response:
    """The results that `sink` holds: one image, or several as a ZIP.

    `name` is that of the input, if it has one; `skipped` counts the operations that were left out
    before.
    """
    headers = _headers(result, skipped)
    if len(result.outputs) > 1:
        headers["Content-Disposition"] = 'attachment; filename="images.zip"'
        archive = await asyncio.to_thread(_archive, result, sink, name)
        return Response(archive, media_type="application/zip", headers=headers)
    output = result.outputs[0]
    headers["Darkroom-Width"], headers["Darkroom-Height"] = str(output.width), str(output.height)
    media_type = FORMAT_TRAITS[output.format].media_type
    return Response(sink.read(0, output.bytes), media_type=media_type, headers=headers)


def _server_timing(timings: Timings) -> str:
    """As the W3C has it: milliseconds that a browser shows beside the request."""
    stages = {name: taken for name, taken in asdict(timings).items() if name != "steps"}
    parts = [f"{stage};dur={taken}" for stage, taken in stages.items()]
    parts += [
        f'step-{number};desc="{op}";dur={taken}'
        for number, (op, taken) in enumerate(timings.steps[:_MOST_STEPS])
    ]
    return ", ".join(parts)


def _headers(result: ItemResult, skipped: int) -> dict[str, str]:
    headers = {"Server-Timing": _server_timing(result.timings) if result.timings else ""}
    if left_out := skipped + len(result.skipped):
        headers["Darkroom-Skipped"] = str(left_out)
    return headers


def _archive(result: ItemResult, sink: MemoryFile, name: str | None) -> bytes:
    """The results as a ZIP, stored: images do not shrink."""
    stem = _stem(name or "") or "image"
    extension = FORMAT_TRAITS[result.outputs[0].format].extensions[0]
    archive, offset = BytesIO(), 0
    with zipfile.ZipFile(archive, "w") as file:
        for number, output in enumerate(result.outputs, start=1):
            file.writestr(f"{stem}_{number}.{extension}", sink.read(offset, output.bytes))
            offset += output.bytes
    return archive.getvalue()


def _stem(name: str) -> str:
    """The name of an upload without folders and ending, fit for any file system."""
    stem = PureWindowsPath(name).stem  # knows both kinds of slashes
    return "".join(
        char if char.isprintable() and char not in _NOT_IN_NAMES else "_"
        for char in stem[:_MAX_STEM]
    )
