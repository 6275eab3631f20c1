"""Options that several commands have."""

from typing import Any

import typer

API_KEY = "DARKROOM_API_KEY"
"""No setting: a server that found it would be one whose DARKROOM_API_KEYS was misspelt."""


def operation(panel: str, example: str = "resize=0.5") -> Any:
    return typer.Option(
        "--operation",
        metavar="TEXT",
        help=f"Such as {example}; repeatable, in order.",
        rich_help_panel=panel,
    )


def recipe(panel: str, help: str) -> Any:
    return typer.Option("--recipe", metavar="NAME", help=help, rich_help_panel=panel)


def api_key(panel: str | None = None, where: str = "") -> Any:
    return typer.Option(
        "--api-key",
        metavar="KEY",
        envvar=API_KEY,
        help=f"Key for the server{where}; the variable hides it from other users of this machine.",
        rich_help_panel=panel,
    )
