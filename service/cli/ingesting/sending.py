"""A folder sent from its first image to its last, shown as it goes."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from service.cli import report
from service.cli.ingesting import framed, legacy
from service.cli.ingesting.images import FolderRefused, ImageFolder, look_into
from service.cli.ingesting.link import connect
from service.cli.ingesting.tally import IngestTally
from service.cli.interrupting import run_interruptible
from service.cli.output import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED, console
from service.cli.server import ServerError, ServerLost
from service.logs import escape


@dataclass(frozen=True)
class Target:
    """Where a folder is sent to, and how."""

    ip: str
    port: int
    legacy: bool
    key: str | None


def run(target: Target, folder: str, collection: str | None, as_json: bool, quiet: bool) -> int:
    """Send the images of `folder`. Gives the exit code."""
    stderr = console(stderr=True)
    try:
        found = look_into(folder, collection)
    except FolderRefused as error:
        stderr.print(escape(str(error)))
        return EXIT_REFUSED
    if not quiet and (note := found.note()):
        stderr.print(note)
    tally = IngestTally(found.name, [path.name for path in found.images])
    code = _send(target, found, tally, stderr, quiet)
    if code == EXIT_REFUSED:
        return code
    if as_json:
        print(json.dumps(tally.answer()))
    elif not quiet:
        report.show_failures(stderr, tally)
    stderr.print(tally.summary())
    return code


def _send(
    target: Target, folder: ImageFolder, tally: IngestTally, stderr: Console, quiet: bool
) -> int:
    """To the end, or as far as it goes; gives the exit code."""
    speak = _speak_legacy if target.legacy else _speak_framed
    try:
        with report.progress(stderr, tally, quiet) as changed:
            speak(target, folder.images, tally, changed)
    except ServerError as error:
        stderr.print(str(error))
        if tally.connection is None:
            if isinstance(error, ServerLost):
                stderr.print("it may speak the other protocol: see --protocol")
            return EXIT_REFUSED
        stderr.print(_how_far(target, tally))
        return EXIT_FAILED
    except KeyboardInterrupt:
        stderr.print(f"stopped; {_how_far(target, tally)}")
        return EXIT_INTERRUPTED
    return EXIT_FAILED if tally.failed else 0


def _speak_framed(
    target: Target, images: list[Path], tally: IngestTally, changed: Callable[[], None]
) -> None:
    """Over as many connections as the server wants for so many images."""
    waiting = deque(images)
    while waiting:
        with connect(target.ip, target.port) as found:
            run_interruptible(framed.converse(found, target.key, waiting, tally, changed))


def _speak_legacy(
    target: Target, images: list[Path], tally: IngestTally, changed: Callable[[], None]
) -> None:
    good = legacy.readable(images, tally)
    changed()
    if good:
        with connect(target.ip, target.port) as found:
            run_interruptible(legacy.converse(found, good, tally, changed))


def _how_far(target: Target, tally: IngestTally) -> str:
    number = f"{tally.acknowledged} of {tally.total} images were acknowledged"
    if target.legacy:
        return f"{number}; such a server stores at the end: run it again"
    log = (
        f"; see connection {escape(tally.connection)} in the server's log"
        if tally.connection
        else ""
    )
    return f"{number} and are stored; run it again: what is there is left alone{log}"
