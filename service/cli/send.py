"""`python main.py send`: the images of a folder over a WebSocket."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import options
from service.cli.output import EXIT_REFUSED

if TYPE_CHECKING:
    from service.cli.sending.screen import Screen

_URL = "ws://localhost:8888/v1/stream"
_WHAT = "What the server does"
_HOW = "How it is sent"
_SHOWING = "What is shown"


def send(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Its images are sent, at any depth.")
    ],
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where to.", rich_help_panel=_HOW)
    ] = _URL,
    operation: Annotated[list[str] | None, options.operation(_WHAT)] = None,
    recipe: Annotated[
        str | None, options.recipe(_WHAT, "A list of operations that the server has.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="Format of the results.", rich_help_panel=_WHAT
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality", help="Quality of JPEG, WebP and AVIF, 1 to 100.", rich_help_panel=_WHAT
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FOLDER",
            help="Write the results below this folder, under the names of the images.",
        ),
    ] = None,
    shuffle: Annotated[
        bool,
        typer.Option("--shuffle", help="In random order, not sorted.", rich_help_panel=_HOW),
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="N", help="At most so many images a second.", rich_help_panel=_HOW
        ),
    ] = None,
    text: Annotated[
        bool,
        typer.Option(
            "--text",
            help="Each image as base64 in a text message, and nothing else: for servers that only "
            "take images, such as one on ws://localhost:8765.",
            rich_help_panel=_HOW,
        ),
    ] = False,
    api_key: Annotated[str | None, options.api_key(_HOW)] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="Write what is shown to this file as well.",
            rich_help_panel=_SHOWING,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Show only the summary.", rich_help_panel=_SHOWING),
    ] = False,
) -> None:
    """Send the images of a folder over a WebSocket, and show each answer.

    A connection that is lost is opened again, and what was not answered is sent again.

    Exit codes: 0 all done, 1 an image failed, 2 a wrong request, 130 Ctrl-C.
    """
    from service.cli.sending.run import run
    from service.cli.sending.wish import Wish

    # It is for this process alone.
    os.environ.pop(options.API_KEY, None)
    encode = {"format": format, "quality": quality}
    wish = Wish(
        url,
        operation or [],
        recipe,
        {name: value for name, value in encode.items() if value is not None},
        save,
        text,
        shuffle,
        rate,
        api_key,
    )
    screen = _screen(quiet, log_file)
    try:
        _check_folder(folder, screen)
        code = run(folder, wish, screen)
    finally:
        screen.close()
    sys.exit(code)


def _screen(quiet: bool, log_file: Path | None) -> "Screen":
    """Exits with a message when the log file cannot be written."""
    from service.cli.sending.screen import Screen
    from service.cli.sending.wish import SendRefused

    try:
        return Screen(quiet, log_file)
    except SendRefused as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)


def _check_folder(folder: Path, screen: "Screen") -> None:
    """Offer to fetch images where there is no folder; exits when there is none then."""
    if folder.is_dir():
        return
    if folder.exists():
        screen.say(f"{folder} is no folder")
        sys.exit(EXIT_REFUSED)
    if not (sys.stdin.isatty() and screen.console.is_terminal):
        screen.say(
            f"there is no folder {folder}; `python main.py dataset --output {folder}` fetches one "
            "of sample images"
        )
        sys.exit(EXIT_REFUSED)
    _offer(folder)


def _offer(folder: Path) -> None:
    from service.cli import dataset

    question = f"There is no folder {folder}. Fetch sample images into it (CIFAR-10, 170 MB)?"
    if not typer.confirm(question, default=False, err=True):
        sys.exit(EXIT_REFUSED)
    if code := dataset.fetch(folder):
        sys.exit(code)
