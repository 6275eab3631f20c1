"""`python main.py camera`: the camera in a window."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import options
from service.cli.batch import exiting_when_refused
from service.cli.output import EXIT_REFUSED

if TYPE_CHECKING:
    from service.settings import Settings

_WHAT = "What is done to the picture"


def camera(
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="A device's number, a video file, a URL, test or auto; else DARKROOM_CAMERA.",
            show_default=False,
        ),
    ] = None,
    operation: Annotated[list[str] | None, options.operation(_WHAT, "grayscale")] = None,
    recipe: Annotated[
        str | None,
        options.recipe(_WHAT, "A list of operations that is stored here, in DARKROOM_STORE."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures",
            metavar="FOLDER",
            help="Where pictures go; else DARKROOM_CAMERA_PICTURES.",
            show_default=False,
        ),
    ] = None,
    fullscreen: Annotated[
        bool, typer.Option("--fullscreen", help="Fill the screen with the window.")
    ] = False,
) -> None:
    """Show the camera in a window, with sliders for its settings.

    Keys: r takes a picture, 0 puts the settings back, q ends.

    Exit codes: 0 closed, 2 a wrong option or no display, 130 Ctrl-C.
    """
    from service.settings import load_settings

    with exiting_when_refused():
        settings = load_settings(camera=source, camera_pictures=pictures)
        code = _show(settings, operation or [], recipe, fullscreen)
    sys.exit(code)


def _show(settings: "Settings", operations: list[str], recipe: str | None, fullscreen: bool) -> int:
    """Gives the exit code. Raises SettingsError, RequestError and StoreError."""
    from service.cli.viewing import run
    from service.cli.viewing.display import NoDisplay, prepare_display
    from service.cli.viewing.effects import pipeline_of

    pipeline = pipeline_of(operations, recipe, settings)
    try:
        prepare_display()
    except NoDisplay as error:
        typer.echo(str(error), err=True)
        return EXIT_REFUSED
    return run.show(settings, pipeline, fullscreen)
