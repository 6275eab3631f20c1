"""`python main.py batch`: many images, without a server."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.output import EXIT_FAILED, EXIT_REFUSED, console

if TYPE_CHECKING:
    from schemas.batches import BatchRequest
    from service.cli.requests import Arguments
    from service.services import Services

_WITH_INPUT = "With --input"
_SHOWING = "What is shown"


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
    operation: Annotated[
        list[str] | None,
        _option("--operation", metavar="TEXT", help="Such as resize=0.5; repeatable, in order."),
    ] = None,
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
    """Process many images here, without a server.

    What is to be done stands in a request file, or in --input, --output, --operation.
    Put quotes around patterns and templates: the shell is to leave them alone.

    Exit codes: 0 all done, 1 an image failed, 2 a wrong request, 130 Ctrl-C.
    """
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
    )
    wanted, services = _prepared(request or [], arguments)
    sys.exit(_run(wanted, services, as_json, quiet))


def _prepared(files: list[str], arguments: "Arguments") -> "tuple[BatchRequest, Services]":
    """The request and the parts to run it with; exits with a message when it cannot be."""
    from service.app import build_services
    from service.cli.patterns import PatternError
    from service.cli.report import problem_text
    from service.cli.requests import one_of, settings_for
    from service.environment import SettingsError
    from service.errors import RequestError, problem_of

    try:
        request = one_of(files, arguments)
        services = build_services(settings_for(arguments))
        # How many images one types is one's own affair; a request file is held to the limit.
        services.check_counts(request.images if files else (), request.operations)
    except RequestError as error:
        typer.echo(problem_text(problem_of(error)), err=True)
    except (PatternError, SettingsError) as error:
        typer.echo(str(error), err=True)
    else:
        return request, services
    sys.exit(EXIT_REFUSED)


def _run(request: "BatchRequest", services: "Services", as_json: bool, quiet: bool) -> int:
    from service.cli import embedded, report
    from service.cli.tally import Tally
    from service.jobs.batch import Batch

    stderr = console(stderr=True)
    tally = Tally(Batch(request.pipeline(), request.images), keep=as_json)
    with report.progress(stderr, tally, quiet) as changed:
        code = embedded.run(services, tally, changed)
    if as_json and code in (0, EXIT_FAILED):
        # Through `json`, in ASCII: a file's name need not be valid UTF-8.
        print(json.dumps(embedded.response(request, tally).model_dump()))
    if not quiet:
        report.show_skipped(stderr, request.skipped)
    if not (quiet or as_json):
        report.show_failures(stderr, tally)
    stderr.print(tally.summary())
    return code
