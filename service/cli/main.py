"""The commands put together.

The modules of the commands import only what their options need; the rest is imported when one
runs, so that the catalogue or a help page does not wait for a web server.
"""

import sys
from typing import Annotated

import typer

from service.cli import batch, camera, dataset, ingest, operations, send, serve

app = typer.Typer(
    name="darkroom",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("batch")(batch.batch)
app.command("send")(send.send)
app.command("dataset")(dataset.dataset)
app.command("ingest")(ingest.ingest)
app.command("camera")(camera.camera)
app.command("operations")(operations.operations)


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Many images, one list of operations.

    With no command, serve the HTTP API.
    """
    if version:
        _show_version()
    if context.invoked_subcommand is None:
        serve.serve()


def main() -> None:
    app(prog_name="python main.py")


def _show_version() -> None:
    from service.version import VERSION

    typer.echo(f"Darkroom {VERSION}")
    sys.exit()
