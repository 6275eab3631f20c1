"""A real S3 server over HTTP on this machine, and what tests put into it."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import ProxyHandler, Request, build_opener

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from service.remote.base import ObjectOptions
from service.remote.remotes import RemoteOptions
from service.remote.urls import Url, is_url, parse_root
from service.storage import Storage

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
MOST = 1 << 20


class S3Server:
    """Buckets in memory, behind the protocol of S3. A page of a listing has four keys."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)

    def __enter__(self) -> Self:
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
        self._server.start()
        self.url = "http://{}:{}".format(*self._server.get_host_and_port())
        self._s3 = self._client("s3")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._s3.close()
        self._server.stop()
        self._patch.undo()

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            config=Config(proxies={}),
        )

    def bucket(self, name: str, objects: Mapping[str, bytes] | None = None) -> str:
        """Make a bucket with these objects; its name."""
        self._s3.create_bucket(Bucket=name)
        for key, data in (objects or {}).items():
            self.put(name, key, data)
        return name

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self._s3.put_object(Bucket=bucket, Key=key, Body=data)

    def get(self, bucket: str, key: str) -> bytes:
        found = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert isinstance(found, bytes)
        return found

    def media_type(self, bucket: str, key: str) -> str:
        return str(self._s3.head_object(Bucket=bucket, Key=key)["ContentType"])

    def keys(self, bucket: str) -> set[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {found["Key"] for page in pages for found in page.get("Contents", ())}

    def has(self, bucket: str, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    def stranger(self, name: str) -> dict[str, str]:
        """The variables of a user who may do nothing."""
        iam = self._client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        iam.close()
        return credentials(key["AccessKeyId"], key["SecretAccessKey"])

    @contextmanager
    def checking_rights(self) -> Iterator[None]:
        """Look at who asks, meanwhile."""
        self._check_after("0")
        try:
            yield
        finally:
            self._check_after("inf")

    def _check_after(self, requests: str) -> None:
        kind = {"Content-Type": "text/plain"}
        request = Request(f"{self.url}/moto-api/reset-auth", requests.encode(), kind)
        build_opener(ProxyHandler({})).open(request).close()


def credentials(key: str = KEY_ID, secret: str = SECRET) -> dict[str, str]:
    """The variables that name who asks."""
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}


def variables(url: str, folder: Path) -> dict[str, str]:
    """The variables of a service that uses the server at `url`, and no files of whoever tests."""
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        "NO_PROXY": "127.0.0.1",
        **credentials(),
    }


@contextmanager
def using(url: str, folder: Path, **more: str) -> Iterator[None]:
    """Let this process, and those that it starts, use the server at `url`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in (variables(url, folder) | more).items():
            patch.setenv(name, value)
        yield


def storage_of(
    *roots: str | Path,
    most: int = MOST,
    timeout: float = 5.0,
    total: float = 10.0,
    retries: int = 0,
) -> Storage:
    """Roots to read and to write; a store is not asked again unless a test wants it."""
    options = RemoteOptions(ObjectOptions(timeout, total, retries), allow_private=True)
    found = [root_of(root) for root in roots]
    writable = [root for root in found if not isinstance(root, Url) or not root.is_web]
    return Storage(found, writable, most, options=options)


def root_of(root: str | Path) -> Path | Url:
    return parse_root(str(root)) if is_url(str(root)) else Path(root)
