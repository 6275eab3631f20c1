"""What DARKROOM_CAMERA names."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["device", "file", "url", "test", "auto"]

_SCHEMES = ("rtsp", "rtsps", "http", "https")
_MOST_DEVICES = 100


@dataclass(frozen=True)
class Address:
    """A source: `value` is for OpenCV alone, `name` is fit for logs and answers.

    Of a URL only the scheme and the host are shown: credentials may be anywhere in the rest.
    """

    kind: Kind
    name: str
    value: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises ValueError for what is no source; the message does not repeat it."""
        text = text.strip()
        if text.lower() in ("test", "auto"):
            kind: Kind = "test" if text.lower() == "test" else "auto"
            return cls(kind, "test pattern" if kind == "test" else "first device", "")
        if text.isdecimal():
            if int(text[:9]) >= _MOST_DEVICES:
                raise ValueError(f"devices are numbered from 0 to {_MOST_DEVICES - 1}")
            return cls("device", f"device {int(text)}", text)
        if "://" in text:
            return cls("url", _shown(text), text)
        if not text or "\0" in text:
            raise ValueError("a path has at least one character, and no NUL")
        return cls("file", Path(text).name, text)


def _shown(url: str) -> str:
    """Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError(f"a URL starts with one of {', '.join(_SCHEMES)}, and has a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
