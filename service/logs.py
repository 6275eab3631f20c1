"""Logging of the service: the standard library's, as plain lines or JSON lines.

The identifiers of the request and the job at hand are context variables, so that every record
carries them, whoever logs. Values from outside reach log messages: a message is always one line.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from service.environment import SettingsError
from service.settings import LogSettings

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
connection: ContextVar[tuple[str, int] | None] = ContextVar("connection", default=None)

_OUR_HANDLERS = ("darkroom.console", "darkroom.file")
_UVICORN_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


@contextmanager
def bind_request_id(value: str) -> Iterator[None]:
    """Put the request's identifier on each record that is logged inside the block."""
    token = request_id.set(value)
    try:
        yield
    finally:
        request_id.reset(token)


@contextmanager
def bind_job_id(value: str) -> Iterator[None]:
    """Put the job's identifier on each record that is logged inside the block."""
    token = job_id.set(value)
    try:
        yield
    finally:
        job_id.reset(token)


@contextmanager
def bind_connection(value: str, descriptor: int) -> Iterator[None]:
    """Put the identifier and the file descriptor of a connection on each record of the block."""
    token = connection.set((value, descriptor))
    try:
        yield
    finally:
        connection.reset(token)


def configure_logging(settings: LogSettings) -> None:
    """Log to standard error, and to the file when one is set; a second call replaces the first.

    For the server process only: two processes cannot rotate one file. uvicorn has to be run with
    `log_config=None`, before or after this call. Raises SettingsError when the file cannot be
    opened; the logging is then as it was.
    """
    handlers = _make_handlers(settings)
    root = logging.getLogger()
    _remove_handlers(root, [item for item in root.handlers if item.name in _OUR_HANDLERS])
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.level.upper())
    _adopt_uvicorn()


def _make_handlers(settings: LogSettings) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    # The file first: it can fail, and then nothing has to be undone.
    if settings.file is not None:
        handlers.append(_open_file(settings.file, settings.file_bytes, settings.file_count))
    handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        is_file = isinstance(handler, RotatingFileHandler)
        handler.name = "darkroom.file" if is_file else "darkroom.console"
        handler.addFilter(_add_identifiers)
        handler.setFormatter(JsonFormatter() if settings.format == "json" else PlainFormatter())
    return handlers


def _open_file(path: Path, max_bytes: int, count: int) -> RotatingFileHandler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            path, maxBytes=max_bytes, backupCount=count, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise SettingsError(
            f"DARKROOM_LOG_FILE={str(path)!r}: cannot be written: {error.strerror}"
        ) from error


def _remove_handlers(logger: logging.Logger, handlers: list[logging.Handler]) -> None:
    for handler in handlers:
        logger.removeHandler(handler)
        handler.close()


def _adopt_uvicorn() -> None:
    """Let uvicorn's records reach our handlers, also where uvicorn was started by its own command
    and has set up handlers before the application was imported."""
    for name in _UVICORN_LOGGERS:
        logger = logging.getLogger(name)
        _remove_handlers(logger, list(logger.handlers))
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


def _add_identifiers(record: logging.LogRecord) -> bool:
    # A record that comes from elsewhere, or names its job itself, keeps what it has.
    for name, variable in (("request_id", request_id), ("job_id", job_id)):
        if not hasattr(record, name):
            setattr(record, name, variable.get())
    if (bound := connection.get()) is not None and not hasattr(record, "connection_id"):
        record.connection_id, record.descriptor = bound
    return True


class PlainFormatter(logging.Formatter):
    """`2026-01-02 03:04:05.678 INFO  darkroom.jobs [request=ab12 job=9f] message`, in local time.

    A traceback follows on lines of its own behind a bar, so that no line of it looks like a record.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).isoformat(" ", "milliseconds")
        head = f"{time} {record.levelname:5} {record.name}{_identifiers(record)}"
        lines = [escape(f"{head} {record.getMessage()}")]
        lines += [f"    | {escape(line)}" for line in _details(self, record).splitlines()]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII; `exception` is there only when one was logged."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": time,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", None),
            "job_id": getattr(record, "job_id", None),
        }
        for name in ("connection_id", "descriptor"):
            if hasattr(record, name):  # of a connection, not of a request
                entry[name] = getattr(record, name)
        if details := _details(self, record):
            entry["exception"] = details
        return json.dumps(entry, default=str)


def escape(text: str) -> str:
    """Write each character that is not printable as an escape: a newline would forge a record, an
    escape sequence would reach the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _identifiers(record: logging.LogRecord) -> str:
    names = {
        "request": "request_id",
        "job": "job_id",
        "connection": "connection_id",
        "fd": "descriptor",
    }
    values = {label: getattr(record, name, None) for label, name in names.items()}
    shown = [f"{label}={value}" for label, value in values.items() if value is not None]
    return f" [{' '.join(shown)}]" if shown else ""


def _details(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback and the stack of a record, or empty text."""
    exception = formatter.formatException(record.exc_info) if record.exc_info else record.exc_text
    return "\n".join(filter(None, (exception, record.stack_info)))
