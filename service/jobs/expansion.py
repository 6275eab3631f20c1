"""From a request to the images that it means: patterns and templates are filled in."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.batches import BatchRequest, ImagePair, VariantRequest
from service.jobs.templates import Template, TemplateError, literal
from service.jobs.walking import Search, SearchTooLong, is_pattern, matches
from service.remote.urls import is_url, shown
from service.storage import Storage, StorageError


class BatchRefused(Exception):
    """The images of a request cannot be what it says; `str(error)` is fit for the user.

    `pointer` is where in the request the fault is, as a JSON pointer.
    """

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail, pointer)
        self.pointer = pointer

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class BatchImage:
    """An image and where its results go, one path for each variant.

    Where it is `open`, the paths are text for `str.format` with the result's width and height.
    `variants` are those of its own, as JSON; None where those of the batch hold.
    """

    input: str
    outputs: tuple[str, ...]
    open: bool = False
    variants: list[Any] | None = None

    @property
    def output(self) -> str:
        """The first."""
        return self.outputs[0]


def check_outputs(request: BatchRequest) -> None:
    """Raises BatchRefused for an image without an output, and for a wrong template of the batch."""
    for number, variant in enumerate(request.variants):
        _template(variant.output, f"/variants/{number}/output")
    if request.variants:
        return
    for index, image in enumerate(request.images):
        if image.output is None and image.variants is None:
            pointer = f"/images/{index}/output"
            raise BatchRefused("is required, unless there are variants", pointer)


def has_patterns(request: BatchRequest, storage: Storage) -> bool:
    """Whether images have to be looked for. It reads the disk: not for the event loop."""
    return any(is_pattern(storage, image.input) for image in request.images)


def images_of(
    request: BatchRequest, storage: Storage, most: int, search: Search | None = None
) -> Iterator[BatchImage]:
    """The images in their order, found as they are asked for.

    It reads the disk: not for the event loop. Raises BatchRefused when a pattern matches nothing,
    when there are more images than `most`, when two inputs of patterns would write one output, and
    when the patterns look at more than `search` allows; SearchStopped when that says so.
    """
    check_outputs(request)
    search = search or Search()
    outputs: dict[str, str] | None = {} if has_patterns(request, storage) else None
    count = 0
    for index, image in enumerate(request.images):
        search.ask()
        pointer = f"/images/{index}"
        expands = is_pattern(storage, image.input)
        for found in _meant(request, image, pointer, storage, search if expands else None, count):
            if outputs is not None:
                if expands:
                    _check_apart(found, outputs, pointer, storage)
                outputs |= dict.fromkeys(found.outputs, found.input)
            count += 1
            if count > most:
                detail = f"more than {most} images, the limit (DARKROOM_MAX_JOB_IMAGES)"
                raise BatchRefused(detail, pointer)
            yield found


def _meant(
    request: BatchRequest,
    image: ImagePair,
    pointer: str,
    storage: Storage,
    search: Search | None,
    index: int,
) -> Iterator[BatchImage]:
    """The images of one entry of the request, a pattern if there is a `search`; from `index` on."""
    plain = search is None and image.variants is None and not request.variants
    if plain and image.output is not None:  # as most are, of a hundred thousand
        yield BatchImage(image.input, (image.output,))
        return
    filler = _Filler(request, image, pointer, search is not None)
    paths = (image.input,) if search is None else _found(storage, image, pointer, search)
    for number, path in enumerate(paths, index):
        yield filler.image(path, number)


def _found(storage: Storage, image: ImagePair, pointer: str, search: Search) -> Iterator[str]:
    count = 0
    try:
        for path in matches(storage, image.input, search):
            count += 1
            yield path
    except StorageError as error:
        raise BatchRefused(str(error), f"{pointer}/input") from None
    except SearchTooLong as error:
        raise BatchRefused(f"{image.input}: {error}", f"{pointer}/input") from None
    if not count:
        why = "a / at the end means folders" if image.input.endswith("/") else "no file matches"
        raise BatchRefused(f"{image.input}: {why}", f"{pointer}/input")


class _Filler:
    """What the outputs of one entry of the request are for each input."""

    def __init__(
        self, request: BatchRequest, image: ImagePair, pointer: str, expands: bool
    ) -> None:
        self._own = image.variants
        self._parts: list[str | Template] = []
        if image.output is not None:
            where = f"{pointer}/output"
            self._parts.append(_template(image.output, where) if expands else image.output)
        shared = expands or image.variants is None
        for number, variant in enumerate(_variants(request, image)):
            at = f"/variants/{number}/output"
            where = at if image.variants is None else pointer + at
            self._parts.append(_template(variant.output, where) if shared else variant.output)
        templates = [part for part in self._parts if isinstance(part, Template)]
        self._open = any(template.is_open for template in templates)

    def image(self, path: str, index: int) -> BatchImage:
        outputs = tuple(
            part.fill(path, index, self._open)
            if isinstance(part, Template)
            else literal(part, self._open)
            for part in self._parts
        )
        own = None
        if self._own is not None:
            own = [one.as_asked() for one in self._own]
        return BatchImage(path, outputs, self._open, own)


def _variants(request: BatchRequest, image: ImagePair) -> Sequence[VariantRequest]:
    return request.variants if image.variants is None else image.variants


def _template(text: str, pointer: str) -> Template:
    try:
        return Template(text)
    except TemplateError as error:
        raise BatchRefused(str(error), pointer) from None


def _check_apart(
    image: BatchImage, outputs: dict[str, str], pointer: str, storage: Storage
) -> None:
    for output in image.outputs:
        other = outputs.get(output)
        if other is None:
            continue
        if _is_same(storage, other, image.input):
            raise BatchRefused(
                f"{image.input} matches twice, and would be written to {output} twice: name it in "
                "one input only",
                pointer,
            )
        # Of an address on the web, the query may be a key.
        named = shown(other) if is_url(other) else other
        raise BatchRefused(
            f"{named} and {image.input} would both write {output}: put {{stem}}, {{parent}} or "
            "{index} into the output",
            pointer,
        )


def _is_same(storage: Storage, one: str, other: str) -> bool:
    """Whether two paths are spellings of one."""
    first, second = (os.path.normpath(os.path.join(storage.base, path)) for path in (one, other))
    return first == second
