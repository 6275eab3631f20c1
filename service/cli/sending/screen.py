"""What is shown on standard error, and written to a log file beside it."""

import logging
from pathlib import Path

from rich.console import Console

from service.cli.output import console
from service.cli.sending.wish import SendRefused
from service.logs import PlainFormatter, escape


class Screen:
    """Lines for the user. The log file has them all, also those that `quiet` hides."""

    def __init__(self, quiet: bool, log_file: Path | None) -> None:
        self.console: Console = console(stderr=True)
        self.quiet = quiet
        # Of its own, not from the tree of loggers: nothing else is to be in the file.
        self._log = logging.Logger("darkroom.send")
        self._handler = logging.NullHandler() if log_file is None else _opened(log_file)
        self._log.addHandler(self._handler)

    def close(self) -> None:
        self._handler.close()

    def note(self, text: str) -> None:
        """Something about one image."""
        self._log.info("%s", text)
        if not self.quiet:
            self.console.print(escape(text))

    def say(self, text: str) -> None:
        """Something that is always shown; it may have several lines."""
        for line in text.splitlines():
            self._log.info("%s", line)
            self.console.print(escape(line))


def _opened(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise SendRefused(f"--log-file {path}: cannot be written: {error.strerror}") from None
    handler.setFormatter(PlainFormatter())
    return handler
