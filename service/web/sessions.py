"""Who is signed in to the pages: a cookie that says so, and does not hold the key.

Its value is `expiry.nonce.signature`; the signature is an HMAC-SHA-256 (RFC 2104) by one of the API
keys. It needs no storage, outlasts a restart, and ends when its key is taken out of the settings.
"""

import hmac
import secrets
import time
from collections.abc import Sequence
from hashlib import sha256

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

COOKIE = "darkroom_session"
SECONDS = 7 * 24 * 3600
_MAX_TOKEN = 200


class Sessions:
    """Signs sessions in with one of `keys`. Without keys nobody has to sign in."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]

    @property
    def needed(self) -> bool:
        return bool(self._keys)

    def begin(self, given: str) -> str | None:
        """The token of a new session for who knows a key; None for a key that is not known."""
        known = [key for key in self._keys if hmac.compare_digest(given.encode(), key)]
        if not known:
            return None
        claim = f"{int(time.time()) + SECONDS}.{secrets.token_hex(16)}"
        return f"{claim}.{_signature(known[0], 'session', claim)}"

    def holds(self, token: str) -> bool:
        """Whether `token` is one of ours that has not run out."""
        return self._key_of(token) is not None

    def form_token(self, token: str) -> str:
        """What a form of this session carries hidden; empty where there is no session."""
        key = self._key_of(token)
        return "" if key is None else _signature(key, "form", token)

    def _key_of(self, token: str) -> bytes | None:
        claim, _, signature = token[:_MAX_TOKEN].rpartition(".")
        expiry = claim.partition(".")[0]
        if not (expiry.isascii() and expiry.isdecimal() and int(expiry) > time.time()):
            return None
        given = signature.encode()
        fitting = [
            key
            for key in self._keys
            if hmac.compare_digest(given, _signature(key, "session", claim).encode())
        ]
        return fitting[0] if fitting else None


def session_of(headers: Headers) -> str:
    """The token that the request's cookie holds; empty when there is none."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def _signature(key: bytes, purpose: str, text: str) -> str:
    return hmac.new(key, f"darkroom {purpose} {text}".encode(), sha256).hexdigest()
