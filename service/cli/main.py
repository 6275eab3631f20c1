"""The commands put together."""

import typer

from service.cli import serve

app = typer.Typer(
    name="darkroom",
    help="Batch image processing.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Many images, one list of operations."""
    if context.invoked_subcommand is None:
        serve.serve()


def main() -> None:
    app()
