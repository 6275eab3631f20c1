"""Templates to answers, and the headers that all pages have."""

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from service.version import VERSION
from service.web.sessions import Sessions, session_of

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
NAVIGATION = (
    ("Library", "/"),
    ("Lab", "/lab"),
    ("Jobs", "/jobs"),
    ("Camera", "/camera"),
    ("Collections", "/collections"),
    ("Status", "/status"),
    ("API", "/docs"),
)
_BELOW = {"/images": "/", "/recipes": "/lab"}
"""Pages that are no part of the navigation, and the ones that lead to them."""

_LIMIT = re.compile(r"([0-9.]+)([A-Za-z]+)")
_BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_TIMES = {"h": "h", "m": "min", "s": "s", "ms": "ms"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data: blob:; "
    "script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Cookie",
}


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The page that `template` makes of `context` and of what every page knows."""
    sessions = Sessions(request.app.state.services.settings.server.api_keys)
    token = session_of(request.headers)
    shared = {
        "navigation": NAVIGATION,
        "here": _place(request.url.path),
        "version": VERSION,
        "form_token": sessions.form_token(token),
        "signed_in": sessions.holds(token),
    }
    text = _environment().get_template(template).render(shared | context)
    return HTMLResponse(text, status, HEADERS)


def prefers_html(accept: str) -> bool:
    """Whether an Accept header is a browser's that opens a page."""
    return "text/html" in accept.lower()


def _place(path: str) -> str:
    """The page of the navigation that an address belongs to."""
    first = "/" + path.split("/")[1]
    return _BELOW.get(first, first)


@cache
def static_version() -> str:
    """Changes with the content of any static file, so that browsers may keep them for good."""
    digest = sha256()
    for file in sorted(STATIC.iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _environment() -> "jinja2.Environment":
    # Only where it is used: many clients ask for no page.
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["static"] = lambda name: f"/static/{static_version()}/{name}"
    found.filters["bytes"] = readable_bytes
    found.filters["duration"] = readable_duration
    found.filters["limit"] = readable_limit
    return found


def readable_bytes(count: int) -> str:
    """As people say it: 999 B, 1.5 kB, 20 MB; a kilobyte is 1000 bytes."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def readable_duration(seconds: float) -> str:
    """As people say it: 12 s, 5 min, 3 h 20 min, 9 days."""
    minutes, hours, days = (int(seconds // unit) for unit in (60, 3600, 86400))
    if minutes < 1:
        return f"{int(seconds)} s"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{days} days"


def readable_limit(value: str) -> str:
    """A setting's value as people say it: 12342046KiB is 11.8 GiB, 2160h is 90 days."""
    match = _LIMIT.fullmatch(value)
    if match is None:
        return value
    number, unit = float(match[1]), match[2]
    if unit in _BINARY:
        size = number * _BINARY[unit]
        name = next((name for name in ("GiB", "MiB") if size >= _BINARY[name]), "KiB")
        return f"{size / _BINARY[name]:.4g} {name}"
    if unit == "h" and number >= 48:
        return f"{number / 24:g} days"
    return f"{match[1]} {_TIMES.get(unit, unit)}"
