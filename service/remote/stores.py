"""Which client an object store has."""

import logging

from service.remote.base import ObjectOptions, ObjectStore
from service.remote.objects import Objects
from service.remote.s3 import S3

_LOGGERS = ("fsspec", "s3fs", "aiobotocore", "botocore", "aiohttp", "gcsfs", "google", "adlfs")
_AZURE_LOGGERS = ("azure", "msal")
"""What they log of requests has signatures in it; what fails, the image says in our words."""


def open_store(scheme: str, options: ObjectOptions) -> ObjectStore:
    """The store of s3, gs or az. It connects with the first request."""
    for name in (*_LOGGERS, *_AZURE_LOGGERS):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return (S3 if scheme == "s3" else Objects)(scheme, options)
