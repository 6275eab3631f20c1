"""Which names can be kept: the same in every store, so that data can move between them."""

import unicodedata

from service.store.base import NameRefused

MAX_COLLECTION_BYTES = 100
"""A database's name and a collection's together have to stay below MongoDB's 255 bytes."""

MAX_NAME = 255
OWN_PREFIX = "darkroom_"
"""Of the store's own collections, beside those of the users."""

_CONTROL = {"Cc", "Cs"}


def check_collection(name: str) -> None:
    """Raises NameRefused for a name that no collection can have.

    MongoDB forbids `$`, NUL, `system.` and the empty name; slashes would end the path of a URL.
    """
    _check(name, "collection")
    if len(name.encode()) > MAX_COLLECTION_BYTES:
        limit = f"{MAX_COLLECTION_BYTES} bytes of UTF-8"
        raise NameRefused(f"the name of a collection has {limit} at most")
    if "$" in name or name.startswith(("system.", OWN_PREFIX, ".")) or name.endswith("."):
        raise NameRefused(
            f"{name!r} cannot name a collection: it may not contain $, begin with `system.`, "
            f"`{OWN_PREFIX}` or a dot, or end with a dot"
        )


def check_image(name: str) -> None:
    """Raises NameRefused for a name that no image of a collection can have."""
    _check(name, "image")


def check_recipe(name: str) -> None:
    """Raises NameRefused for a name that no recipe can have: `name@2` means a version."""
    _check(name, "recipe")
    if "@" in name:
        raise NameRefused(f"{name!r} cannot name a recipe: it may not hold @")


def _check(name: str, what: str) -> None:
    if not name or len(name) > MAX_NAME:
        raise NameRefused(f"the name of {_a(what)} has 1 to {MAX_NAME} characters")
    if name in (".", "..") or "/" in name or "\\" in name:
        raise NameRefused(f"{name!r} cannot name {_a(what)}: it may not hold / or \\, nor be a dot")
    if any(unicodedata.category(char) in _CONTROL for char in name):
        raise NameRefused(f"{name!r} cannot name {_a(what)}: it holds control characters")


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"
