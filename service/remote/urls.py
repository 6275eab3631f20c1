"""URLs of images and of roots, in one spelling each: what is compared is what is asked for."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

OBJECT_SCHEMES = ("s3", "gs", "az")
WEB_SCHEMES = ("https", "http")
ANY_HOST = "*"

MAX_DEPTH = 100
_MAX_KEY = 1024
"""Bytes of a key in UTF-8: the limit of S3, GCS and Azure."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_CONTAINER = re.compile(r"[a-z0-9](-?[a-z0-9]){2,62}")
"""One of Azure; with dots, its client would take it for an account, and the next part for this."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_USER = re.compile(r"//[^/?#]*@")
_PORT = re.compile(r":[0-9]+$")
_NO_NAMES = ("", ".", "..")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its normal form: `s3://host/path`; no slash stands before `path`.

    `host` is a bucket, a container, or a host with its port where that is not the usual one; a
    root on the web may have any (`*`), at the usual port. `query` is part of addresses on the web
    alone.
    """

    scheme: str
    host: str
    path: str = ""
    query: str = ""

    def __str__(self) -> str:
        whole = f"{self.scheme}://{self.host}"
        whole += f"/{self.path}" if self.path or self.query else ""
        return f"{whole}?{self.query}" if self.query else whole

    @property
    def is_web(self) -> bool:
        return self.scheme in WEB_SCHEMES

    def covers(self, other: "Url", itself: bool = False) -> bool:
        """Whether `other` lies below this root; it may be the root `itself`.

        Any host means its usual port: others may be ways into what is not for everybody.
        """
        any_host = self.host == ANY_HOST and not _PORT.search(other.host)
        if self.scheme != other.scheme or not (any_host or self.host == other.host):
            return False
        if itself and other.path == self.path:
            return True
        return other.path.startswith(f"{self.path}/" if self.path else "") and other.path != ""


def is_url(path: str) -> bool:
    """Whether a path of a request is a URL; `./s3://x` is a file of this machine."""
    return "://" in path and _URL.match(path) is not None


def split_scheme(path: str) -> tuple[str, str]:
    """`s3://` and what is behind it, without the query of an address on the web.

    Nothing and the whole where `path` is no URL.
    """
    if not is_url(path):
        return "", path
    scheme, mark, rest = path.partition("://")
    if scheme.lower() in WEB_SCHEMES:
        rest = re.split(r"[?#]", rest)[0]
    return scheme + mark, rest


def scheme_of(path: str) -> str:
    """The scheme of what `is_url`, in lower case."""
    return path.partition("://")[0].lower()


def shown(path: str) -> str:
    """`path` for messages and logs: without a user, a password, or a query, which may be a key."""
    bare = _USER.sub("//", path)
    if scheme_of(path) in WEB_SCHEMES:
        bare = re.split(r"[?#]", bare)[0]
    return _CONTROL.sub("?", bare[:_SHOWN]).encode("utf-8", "replace").decode()


def parse(text: str) -> Url:
    """The URL of an image, or of a folder of images. Raises ValueError, which says what is wrong.

    The text of the error has nothing of `text` in it.
    """
    found = _URL.fullmatch(text)
    if found is None or _CONTROL.search(text):
        raise ValueError("it is no URL")
    scheme, rest = found[1].lower(), found[2]
    if scheme in WEB_SCHEMES:
        return _web(text)
    if scheme not in OBJECT_SCHEMES:
        raise ValueError("its scheme is none of s3, gs, az, https and http")
    return _object(scheme, rest)


def parse_root(text: str) -> Url:
    """A root of the settings. Raises ValueError."""
    text = text.rstrip("/")
    found = re.fullmatch(r"(https?)://\*", text, re.IGNORECASE)
    if found is not None:
        return Url(found[1].lower(), ANY_HOST)
    root = parse(text)
    if root.query or ANY_HOST in root.host or set("*?[") & set(root.path):
        raise ValueError("a root has no query and no pattern in it")
    return root


def _object(scheme: str, rest: str) -> Url:
    bucket, slash, key = rest.partition("/")
    if "@" in bucket:
        raise ValueError("a user or a password has no place in it")
    if not (_CONTAINER if scheme == "az" else _BUCKET).fullmatch(bucket):
        raise ValueError(f"the name behind {scheme}:// is none of a {_KINDS[scheme]}")
    if not slash:
        return Url(scheme, bucket)
    if key.endswith("/"):
        raise ValueError("a slash at its end would mean a folder")
    if "?" in key:
        raise ValueError("it has a ?, and a query has no place in it")
    parts = key.split("/")
    if any(part in _NO_NAMES for part in parts):
        raise ValueError("no part of it may be empty, . or ..")
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"it has more than {MAX_DEPTH} folders")
    try:
        too_long = len(key.encode()) > _MAX_KEY
    except UnicodeEncodeError:
        raise ValueError("it is not Unicode text") from None
    if too_long:
        raise ValueError(f"it has more than {_MAX_KEY} bytes")
    return Url(scheme, bucket, key)


_Kind = Literal["bucket", "container"]
_KINDS: dict[str, _Kind] = {"s3": "bucket", "gs": "bucket", "az": "container"}


def kind_of_store(scheme: str) -> _Kind:
    """What the first part of a URL names."""
    return _KINDS[scheme]


def _web(text: str) -> Url:
    # One parser, here and where it is fetched: what two read otherwise would get past the roots.
    from pydantic import AnyUrl, ValidationError

    try:
        url = AnyUrl(text)
    except (ValidationError, UnicodeEncodeError):
        raise ValueError("it is no URL") from None
    if url.username is not None or url.password is not None or not url.host:
        raise ValueError("a user or a password has no place in it")
    path = (url.path or "").removeprefix("/")
    if ".." in re.split(r"[/\\]", unquote(path)):
        raise ValueError("no part of it may be ..")
    usual = {"http": 80, "https": 443}[url.scheme]
    host = url.host if url.port in (None, usual) else f"{url.host}:{url.port}"
    return Url(url.scheme, host, path, url.query or "")
