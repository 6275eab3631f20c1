"""From what the clients of object stores raise to errors that are fit for users.

The texts are ours, with the store's code at most: what a client says may quote a signed URL, an
endpoint, or a key. Classes are known by their names, as naming them otherwise would import every
client.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from service.remote.base import ObjectOptions
from service.remote.urls import Url, kind_of_store
from service.storage_errors import (
    Side,
    SinkUnwritable,
    SourceNotFound,
    SourceUnreadable,
    StorageError,
)

CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""The variables that a person sets first; docs/storage.md has the others."""

_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
_LONGEST_CHAIN = 5


class CutOff(Exception):
    """The connection ended in the middle of an object."""


class NoCredentials(Exception):
    """A client does not open without them."""


_CUT_OFF = (
    "CutOff ClientPayloadError IncompleteReadError IncompleteRead ResponseStreamingError "
    "FlexibleChecksumError"
)


class _Rule(NamedTuple):
    """What is said of an error with one of these codes, or of a class of one of these names."""

    says: str
    codes: frozenset[str]
    names: frozenset[str] = frozenset()


def _rule(says: str, codes: str, names: str = "") -> _Rule:
    return _Rule(says, frozenset(codes.split()), frozenset(names.split()))


# In this order: a client gives a missing key the class of a denied one.
_RULES = [
    _rule(
        "the store does not accept the credentials{code}: set {variables} for the service",
        "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken InvalidSecurity "
        "AuthenticationFailed InvalidAuthenticationInfo 401",
        "ClientAuthenticationError RefreshError",
    ),
    _rule(
        "there are no credentials: set {variables} for the service",
        "",
        "NoCredentials NoCredentialsError PartialCredentialsError CredentialRetrievalError "
        "TokenRetrievalError ProfileNotFound DefaultCredentialsError CredentialUnavailableError "
        "GoogleAuthError",
    ),
    _rule("the clock of the service is wrong{code}: set it", "RequestTimeTooSkewed"),
    _rule(
        "the bucket is of another region{code}: set AWS_DEFAULT_REGION for the service",
        "PermanentRedirect 301 AuthorizationHeaderMalformed IllegalLocationConstraintException",
    ),
    _rule("the object is in an archive{code}: restore it first", "InvalidObjectState BlobArchived"),
    _rule(
        "the store denies it{code}: give the key of the service the right to {act}; a store may "
        "also say so of what is not there",
        "AccessDenied AllAccessDisabled AuthorizationFailure AuthorizationPermissionMismatch "
        "403 Forbidden",
        "PermissionError",
    ),
    _rule(
        "the store asks for fewer requests{code}: try again later, or with fewer workers",
        "SlowDown ServerBusy TooManyRequests RequestLimitExceeded ThrottlingException 429",
    ),
    _rule(
        "the store has a fault of its own{code}: try again later",
        "InternalError ServiceUnavailable 500 502 503 504",
    ),
    _rule(
        "the store did not answer within {seconds:g} s: try again, or raise "
        "DARKROOM_OBJECT_TIMEOUT or DARKROOM_OBJECT_TOTAL_TIMEOUT",
        "RequestTimeout",
        "TimeoutError ReadTimeoutError ConnectTimeoutError ServiceResponseTimeoutError",
    ),
    _rule(
        "the connection was cut off in the middle of the object: try again",
        "",
        _CUT_OFF,
    ),
    _rule(
        "the store cannot be reached: check the network and the endpoint of the service",
        "",
        "EndpointConnectionError EndpointProviderError ConnectionError ConnectionClosedError "
        "EndpointResolutionError HTTPClientError ClientConnectionError ServiceRequestError "
        "ServiceResponseError gaierror",
    ),
]


_WAITED = frozenset(
    ("ReadTimeoutError", "ConnectTimeoutError", "ServerTimeoutError", "ServiceResponseTimeoutError")
)
"""Of one wait; another timeout is that of the whole."""


@contextmanager
def translated(url: Url, side: Side, options: ObjectOptions) -> Iterator[None]:
    """Raise a StorageError for whatever a client raises."""
    try:
        yield
    except (StorageError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - three clients, and their words are not to get out
        raise failure(error, url, side, options) from None


def failure(error: Exception, url: Url, side: Side, options: ObjectOptions) -> StorageError:
    """What to say of `error`, met on the way from or to `url`."""
    code, names = _code_of(error), _names(error)
    if code in ("NoSuchBucket", "ContainerNotFound"):
        return _missing_bucket(url, side)
    if side == "input" and is_missing(error):
        return SourceNotFound(f"there is no object {url}")
    rule = next((one for one in _RULES if code in one.codes), None)
    rule = rule or next((one for one in _RULES if one.names & names), None)
    says = rule.says if rule else f"the store refuses it ({code or type(error).__name__})"
    detail = says.format(
        code=f" ({code})" if code else "",
        variables=CREDENTIALS[url.scheme],
        act="read it" if side == "input" else "write it",
        seconds=options.timeout if names & _WAITED else options.total_timeout,
    )
    return _unusable(url, side, detail)


def is_missing(error: Exception) -> bool:
    """Whether it says that there is no such object."""
    code = _code_of(error)
    if code in ("NoSuchKey", "BlobNotFound", "404"):
        return True
    return not code and bool(_names(error) & {"FileNotFoundError", "ResourceNotFoundError"})


def is_cut_off(error: Exception) -> bool:
    """Whether an object ended before its end."""
    return bool(_names(error) & set(_CUT_OFF.split()))


def _missing_bucket(url: Url, side: Side) -> StorageError:
    what = f"there is no {kind_of_store(url.scheme)} {url.scheme}://{url.host}"
    if side == "input":
        return SourceNotFound(f"{what}: check its name")
    return SinkUnwritable(f"{url} cannot be written: {what}; make it first")


def _unusable(url: Url, side: Side, detail: str) -> StorageError:
    if side == "input":
        return SourceUnreadable(f"{url} cannot be read: {detail}")
    return SinkUnwritable(f"{url} cannot be written: {detail}")


def _names(error: BaseException) -> set[str]:
    """The names of the classes of an error, and of those that it was raised from."""
    return {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if found is None:
            return
        yield found
        found = found.__cause__


def _code_of(error: BaseException) -> str:
    """The first code in the chain; empty when there is none."""
    return next(filter(None, map(_code, _chain(error))), "")


def _code(error: BaseException) -> str:
    """The store's own code: botocore's, Azure's, or an HTTP status; gcsfs has a word for 403."""
    if type(error) is OSError and str(error).startswith("Forbidden:"):
        return "Forbidden"
    response = getattr(error, "response", None)
    found = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    for name in ("error_code", "code", "status_code", "status"):
        found = found or getattr(error, name, None)
    text = str(getattr(found, "value", found) or "")
    return text if _CODE.fullmatch(text) else ""
