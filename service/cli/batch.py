"""`python main.py batch`: many images, here or by a server."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import options
from service.cli.loading import loading
from service.cli.output import EXIT_REFUSED

if TYPE_CHECKING:
    from service.cli.requests import Arguments

_WITH_INPUT = "With --input"
_SHOWING = "What is shown"
_WHERE = "Where it runs"


def _option(*names: str, metavar: str | None = None, help: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=_WITH_INPUT)


def batch(
    request: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REQUEST.json | -",
            help="File with the JSON of POST /v1/batches; - reads standard input.",
            show_default=False,
        ),
    ] = None,
    input: Annotated[
        list[str] | None,
        _option(
            "--input", metavar="PATTERN", help="Images, such as 'photos/**/*.jpg'; repeatable."
        ),
    ] = None,
    output: Annotated[
        str | None,
        _option(
            "--output",
            metavar="TEMPLATE",
            help="Where each result goes. {stem}, {name}, {parent}, {ext} and {index} stand for "
            "parts of the input's path.",
        ),
    ] = None,
    operation: Annotated[list[str] | None, options.operation(_WITH_INPUT)] = None,
    format: Annotated[
        str | None,
        _option(
            "--format",
            metavar="FORMAT",
            help="Format of the results; by default the output's extension decides.",
        ),
    ] = None,
    quality: Annotated[
        int | None, _option("--quality", help="Quality of JPEG, WebP and AVIF, 1 to 100.")
    ] = None,
    progressive: Annotated[
        bool, _option("--progressive", help="JPEG in passes from coarse to fine.")
    ] = False,
    lossless: Annotated[
        bool, _option("--lossless", help="WebP and AVIF that keep every pixel.")
    ] = False,
    compression: Annotated[
        int | None, _option("--compression", help="Effort of PNG, 0 to 9.")
    ] = None,
    chroma_subsampling: Annotated[
        str | None,
        _option(
            "--chroma-subsampling",
            metavar="4:4:4|4:2:2|4:2:0",
            help="JPEG: how many pixels share a colour; 4:2:0 is the default.",
        ),
    ] = None,
    speed: Annotated[int | None, _option("--speed", help="AVIF, 0 to 10, the fastest.")] = None,
    background: Annotated[
        str | None,
        _option("--background", help="Colour behind what is clear, for formats with no alpha."),
    ] = None,
    max_bytes: Annotated[
        int | None,
        _option("--max-bytes", help="The best quality of JPEG, WebP and AVIF that fits."),
    ] = None,
    metadata: Annotated[
        str | None,
        _option(
            "--metadata",
            metavar="strip|keep|copyright",
            help="What of EXIF, XMP and the profile is kept; strip is the default.",
        ),
    ] = None,
    fidelity: Annotated[
        str | None,
        _option(
            "--fidelity",
            metavar="fast|exact",
            help="exact computes every pixel as plain OpenCV does; fast is the default.",
        ),
    ] = None,
    on_invalid: Annotated[
        str | None,
        _option(
            "--on-invalid",
            metavar="fail|skip",
            help="skip leaves out wrong operations and unreadable inputs; fail is the default.",
        ),
    ] = None,
    skip_unchanged: Annotated[
        bool,
        _option("--skip-unchanged", help="Leave outputs alone that would come out the same."),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="Run it as a job of this server. All paths are the server's; --input is expanded "
            "here, which is right only where the server runs on this machine, in this folder.",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    api_key: Annotated[str | None, options.api_key(_WHERE)] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Run it here as a job that is kept: after a kill, the same command goes on.",
            rich_help_panel=_WHERE,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the answer of POST /v1/batches on standard output.",
            rich_help_panel=_SHOWING,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Show only the summary.", rich_help_panel=_SHOWING),
    ] = False,
) -> None:
    """Process many images, here without a server, or by one.

    What is to be done stands in a request file, or in --input, --output, --operation.
    Put quotes around patterns and templates: the shell is to leave them alone.

    Exit codes: 0 all done, 1 an image failed, 2 a wrong request, 130 Ctrl-C.
    """
    with loading():
        from service.cli.requests import Arguments

    encode = {
        "format": format,
        "quality": quality,
        "progressive": progressive or None,
        "lossless": lossless or None,
        "compression": compression,
        "chroma_subsampling": chroma_subsampling,
        "speed": speed,
        "background": background,
        "max_bytes": max_bytes,
        "metadata": metadata,
    }
    arguments = Arguments(
        input or [],
        output,
        operation or [],
        {name: value for name, value in encode.items() if value is not None},
        fidelity,
        on_invalid,
        skip_unchanged,
    )
    # It is for this process alone, and none of the settings of those that it starts.
    os.environ.pop(options.API_KEY, None)
    files = request or []
    with exiting_when_refused():
        if server is not None:
            code = _run_remotely(files, arguments, (server, api_key, resume), as_json, quiet)
        elif resume:
            code = _run_resumably(files, arguments, as_json, quiet)
        else:
            code = _run(files, arguments, as_json, quiet)
    sys.exit(code)


@contextmanager
def exiting_when_refused() -> Iterator[None]:
    """Exit with a message when the request, or a setting, is wrong."""
    from service.cli.patterns import PatternError
    from service.cli.report import problem_text
    from service.engine.base import EngineError
    from service.environment import SettingsError
    from service.errors import RequestError
    from service.problems import problem_of
    from service.store.errors import StoreError

    try:
        yield
    except (RequestError, StoreError, EngineError) as error:
        typer.echo(problem_text(problem_of(error)), err=True)
    except (PatternError, SettingsError) as error:
        typer.echo(str(error), err=True)
    else:
        return
    sys.exit(EXIT_REFUSED)


def _run_remotely(
    files: list[str],
    arguments: "Arguments",
    where: tuple[str, str | None, bool],
    as_json: bool,
    quiet: bool,
) -> int:
    with loading():
        from service.cli import remote
        from service.cli.requests import body_of
        from service.errors import MalformedRequest

    url, key, resume = where
    if resume:
        raise MalformedRequest("--resume is for a batch here: a server keeps its jobs in any case")
    return remote.run(body_of(files, arguments), url, key, as_json, quiet)


def _run_resumably(files: list[str], arguments: "Arguments", as_json: bool, quiet: bool) -> int:
    with loading():
        from service.cli import resume

    return resume.run(files, arguments, as_json, quiet)


def _run(files: list[str], arguments: "Arguments", as_json: bool, quiet: bool) -> int:
    with loading():
        from service.cli import embedded

    return embedded.run(files, arguments, as_json, quiet)
