"""Calling a client when its job has ended: a POST of the job, signed, and retried.

Whatever becomes of the call, the job stays as it is. A call is stored as one to be made until it
was made or given up: what is under way at the stop, or when the process is killed, is made later,
by this process or another. So an end is told at least once, and seldom twice.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpcore
from pydantic import AnyHttpUrl, AnyUrl, SecretStr

from service.jobs.stored import now, webhook_of
from service.network.addresses import AddressRefused, AddressRule
from service.network.connecting import CheckedBackend, tls_context
from service.network.urls import authority, host_of, origin, target
from service.store.errors import StoreError
from service.store.jobs import JobStore, StoredJob

_log = logging.getLogger("darkroom.webhooks")

ATTEMPTS = 5
FIRST_PAUSE = 1.0
"""Before the second attempt; it doubles. With ATTEMPT_SECONDS a call takes 55 seconds at most."""

ATTEMPT_SECONDS = 8.0
"""For all of one attempt: resolving, connecting, sending, and the head of the answer."""

CALL_SECONDS = 60.0
"""How long a call waits when its process has died: no shorter than a call may take."""

_AT_ONCE = 64
_LOOK_SECONDS = 5.0
"""How often calls that other processes left are looked for."""


class WebhookFailed(Exception):
    """An answer other than 2xx."""


def check_url(url: AnyUrl, allow_private: bool) -> None:
    """Raises ValueError for a URL with credentials, and AddressRefused for a private address.

    The parser has brought the spellings of an IPv4 address (https://url.spec.whatwg.org) to one.
    """
    if url.username is not None or url.password is not None:
        raise ValueError("a webhook's URL has no user name and password: check its signature")
    _rule(allow_private).check_host(host_of(url))


@dataclass(frozen=True)
class WebhookCaller:
    """How webhooks are called; `render` gives the body for a job that has ended."""

    render: Callable[[StoredJob], bytes]
    secret: SecretStr | None = None
    allow_private: bool = False

    async def call(self, url: AnyUrl, headers: Mapping[str, str], body: bytes) -> None:
        """One attempt. Raises WebhookFailed, AddressRefused, TimeoutError and httpcore's errors.

        Redirects are not followed, and the body of the answer is not read. The connection is the
        attempt's own, so that its address is checked.
        """
        given = {"Host": authority(url), **headers}
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), ATTEMPT_SECONDS)
        async with (
            asyncio.timeout(ATTEMPT_SECONDS),
            httpcore.AsyncConnectionPool(tls_context(), network_backend=self._backend()) as pool,
            pool.stream(
                "POST",
                target(url),
                headers=[(name.encode(), value.encode()) for name, value in given.items()],
                content=body,
                extensions={"timeout": timeouts},
            ) as answer,
        ):
            if not 200 <= answer.status < 300:
                raise WebhookFailed(f"status {answer.status}")

    def headers(self, delivery: str, body: bytes) -> dict[str, str]:
        """Those of each attempt; the signature is left out where there is no secret."""
        found = {
            "Content-Type": "application/json",
            "User-Agent": "darkroom",
            "Darkroom-Event": "job.ended",
            "Darkroom-Delivery": delivery,
        }
        if self.secret is not None:
            found["Darkroom-Signature"] = f"sha256={signature(self.secret, body)}"
        return found

    def _backend(self) -> CheckedBackend:
        return CheckedBackend(_rule(self.allow_private))


def signature(secret: SecretStr, body: bytes) -> str:
    """The HMAC-SHA256 (RFC 2104) of `body` under the bytes of `secret` in UTF-8, in hexadecimal."""
    return hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()


class Deliveries:
    """The calls that are under way. It belongs to one event loop, from `start` to `stop`."""

    def __init__(self, caller: WebhookCaller, jobs: JobStore) -> None:
        self._caller = caller
        self._jobs = jobs
        self._tasks: set[asyncio.Task[None]] = set()
        self._due = asyncio.Event()

    def start(self) -> None:
        """Look for calls that are to be made, now and from time to time."""
        self._looking = asyncio.create_task(self._look())

    def hurry(self) -> None:
        """Look now: a job has ended."""
        self._due.set()

    async def stop(self) -> None:
        """Put off what is under way."""
        tasks = {self._looking, *self._tasks}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            self._due.clear()
            try:
                await self._take()
            except StoreError as error:
                _log.debug("no webhooks can be called: %s", error)
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._due.wait()

    async def _take(self) -> None:
        while len(self._tasks) < _AT_ONCE:
            moment = now()
            job = await self._jobs.take_call(moment, moment + int(CALL_SECONDS * 1e6))
            if job is None:
                return
            task = asyncio.create_task(self._deliver(job))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if len(self._tasks) == _AT_ONCE:
            self.hurry()
        self._tasks.discard(task)

    async def _deliver(self, job: StoredJob) -> None:
        again: int | None = None
        try:
            if (url := webhook_of(job)) is not None:
                await self._attempts(job, AnyHttpUrl(url))
        except asyncio.CancelledError:
            _log.warning("webhook of job %s: put off, the server stops", job.id)
            again = 0
            raise
        finally:
            await self._note(job, again)

    async def _note(self, job: StoredJob, again: int | None) -> None:
        try:
            await self._jobs.set_call(job.id, job.ended_at or 0, again)
        except StoreError as error:
            _log.warning("webhook of job %s: may be called again: %s", job.id, error)

    async def _attempts(self, job: StoredJob, url: AnyUrl) -> None:
        body = self._caller.render(job)
        headers = self._caller.headers(f"{job.id}-{job.ended_at}", body)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._caller.call(url, headers, body)
                _log.info("webhook of job %s: called %s", job.id, origin(url))
                return
            except AddressRefused as error:  # a host is not asked again until it gives another
                _log.warning("webhook of job %s: not called, %s", job.id, error)
                return
            except Exception as error:  # noqa: BLE001 - whatever fails is not the job's concern
                text = f"{type(error).__name__} {error}".rstrip()
                _log.warning(
                    "webhook of job %s: %s, attempt %d of %d: %s",
                    job.id,
                    origin(url),
                    attempt,
                    ATTEMPTS,
                    text,
                )
            if attempt < ATTEMPTS:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1))


def _rule(allow_private: bool) -> AddressRule:
    return AddressRule("DARKROOM_WEBHOOK_ALLOW_PRIVATE", allow_private)
