"""A server, as the command line talks to it: over connections that may be lost."""

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from schemas.jobs import ENDED, Job, JobResults
from schemas.plans import PlanResponse
from schemas.problems import Problem
from schemas.results import ImageResult, Warning
from service.cli.report import problem_text
from service.logs import escape

Read = TypeVar("Read")

PATIENCE_SECONDS = 60.0
"""How long a server that was there may be away: it may be started again meanwhile."""

_CONNECT_SECONDS, _SILENT_SECONDS = 10.0, 60.0
"""A job's events come at least every fifteen seconds, as comments if there is nothing to say."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
_BUSY = frozenset((429, 502, 503, 504))
_JSON = {"Content-Type": "application/json"}


class ServerError(Exception):
    """The server cannot be worked with; `str(error)` is fit for the user."""


class ServerRefuses(ServerError):
    """It is not there, is none of ours, or does not take the request: sending again is no help."""


class ServerLost(ServerError):
    """It was there, and is away for longer than one should wait."""


class Server:
    """The server at `url`. Each call waits for one that is away. Raises ServerError."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = _checked_url(url)
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ServerRefuses("the API key has characters that no header can have")
        self._client = httpx.Client(
            base_url=self.url,
            # Beside an Authorization that the URL may have for a proxy.
            headers={"X-API-Key": key.strip()} if key else {},
            timeout=httpx.Timeout(_SILENT_SECONDS, connect=_CONNECT_SECONDS),
        )
        self._reached = False

    def close(self) -> None:
        self._client.close()

    def address(self, id: str) -> str:
        """Where a job can be looked at."""
        return f"{self.url}/v1/jobs/{id}"

    def submit(self, body: bytes, key: str) -> Job:
        """The job for `body`, the same one however often it is sent with `key`."""
        headers = _JSON | {"Idempotency-Key": key, "Prefer": "respond-async"}
        answer = self._sent("POST", "/v1/batches", content=body, headers=headers)
        if answer.status_code == httpx.codes.ACCEPTED:
            return self._read(Job.model_validate_json, answer.content)
        # It has ended already.
        return self.job(str(answer.headers.get("Location", "")).rpartition("/")[2])

    def answer(self, body: bytes, key: str) -> str:
        """What POST /v1/batches answers when the job of `key` has ended, as JSON."""
        headers = _JSON | {"Idempotency-Key": key}
        return self._sent("POST", "/v1/batches", content=body, headers=headers).text

    def job(self, id: str) -> Job:
        return self._read(Job.model_validate_json, self._sent("GET", f"/v1/jobs/{id}").content)

    def cancel(self, id: str) -> None:
        self._sent("POST", f"/v1/jobs/{id}/cancel")

    def failures(self, id: str, limit: int) -> list[ImageResult]:
        """The first images that failed."""
        query = {"status": "failed", "limit": str(limit)}
        answer = self._sent("GET", f"/v1/jobs/{id}/results", params=query)
        return self._read(JobResults.model_validate_json, answer.content).results

    def left_out(self, pipeline: dict[str, Any]) -> list[Warning]:
        """The operations that `on_invalid: "skip"` leaves out of `pipeline` for all images."""
        answer = self._sent("POST", "/v1/plan", json={**pipeline, "images": []})
        return self._read(PlanResponse.model_validate_json, answer.content).warnings

    def events(self, id: str) -> Iterator[Job]:
        """The job whenever it went on, and when it has ended, from its server-sent events."""
        patience, last = _Patience(), "0"
        while True:
            try:
                headers = {"Last-Event-ID": last}
                with self._client.stream("GET", f"/v1/jobs/{id}/events", headers=headers) as answer:
                    if answer.status_code not in _BUSY:
                        self._check(answer)
                    for name, value in _fields(answer, patience):
                        if name == "id":
                            last = value
                        elif name in ("progress", "end"):
                            job = self._read(Job.model_validate_json, value)
                            yield job
                            if job.state in ENDED and name == "end":
                                return
                reason = "the connection was closed"
            except httpx.TransportError as error:
                reason = _reason(error)
            patience.wait(f"{self.url}: {reason}")

    def _sent(self, method: str, path: str, **content: Any) -> httpx.Response:
        patience = _Patience()
        while True:
            try:
                answer = self._client.request(method, path, **content)
            except httpx.TransportError as error:
                reason = _reason(error)
                if isinstance(error, httpx.ConnectError) and not self._reached:
                    raise ServerRefuses(
                        f"{self.url} cannot be reached: {reason}; was it started?"
                    ) from None
            else:
                self._reached = True
                if answer.status_code not in _BUSY:
                    self._check(answer)
                    return answer
                reason = _problem(answer)
            # After a connection that was lost in mid-answer, one that is refused is a restart.
            self._reached = True
            patience.wait(f"{self.url}: {reason}")

    def _check(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            answer.read()
            raise ServerRefuses(_problem(answer))

    def _read(self, read: Callable[[str | bytes], Read], content: str | bytes) -> Read:
        try:
            return read(content)
        except ValidationError:
            raise ServerRefuses(f"{self.url} does not answer as Darkroom does") from None


class _Patience:
    """Waits longer and longer, until the server has been away for too long."""

    def __init__(self) -> None:
        self.found()

    def found(self) -> None:
        """The server is there."""
        self._until = time.monotonic() + PATIENCE_SECONDS
        self._pause = _FIRST_PAUSE

    def wait(self, reason: str) -> None:
        """Wait before the next attempt. Raises ServerLost."""
        if time.monotonic() + self._pause > self._until:
            raise ServerLost(reason)
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _fields(answer: httpx.Response, patience: _Patience) -> Iterator[tuple[str, str]]:
    """`id` with its value, and each event's name with its data; these events have one line each.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    event = number = ""
    for line in answer.iter_lines():
        patience.found()
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "id":
            number = value
        elif name == "data":
            yield event, value
            if event == "result":
                yield "id", number


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ServerRefuses(f"--server {url!r}: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ServerRefuses(f"--server {url!r}: write it as http://127.0.0.1:8888")
    return url.rstrip("/")


def _problem(answer: httpx.Response) -> str:
    """What an answer says of what is wrong."""
    try:
        return problem_text(Problem.model_validate_json(answer.content))
    except ValidationError:
        status = f"{answer.status_code} {answer.reason_phrase}"
        return escape(f"{answer.url} answers {status}, which is not as Darkroom does")


def _reason(error: httpx.TransportError) -> str:
    return escape(str(error)) or type(error).__name__
