"""`python main.py operations`: the catalogue."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.output import EXIT_REFUSED, console

if TYPE_CHECKING:
    from schemas.operations import OperationDescription


def operations(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Show this one in detail; an alias will do."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what GET /v1/operations answers.")
    ] = False,
) -> None:
    """Show the operations that images can be put through."""
    from pydantic import TypeAdapter

    from schemas.operations import OperationDescription
    from service.cli.catalogue import catalogue_table, detail

    found = _catalogue() if name is None else [_one(name)]
    if as_json:
        shown: TypeAdapter[Any] = TypeAdapter(list[OperationDescription] | OperationDescription)
        print(shown.dump_json(found if name is None else found[0], indent=2).decode())
    else:
        console().print(catalogue_table(found) if name is None else detail(found[0]))


def _catalogue() -> list["OperationDescription"]:
    from processors.registry import registry
    from schemas.operations import describe

    return [describe(operation) for operation in registry()]


def _one(name: str) -> "OperationDescription":
    """The operation of that name or alias; exits with the nearest name when there is none."""
    from processors.errors import UnknownOperation
    from processors.registry import registry
    from schemas.operations import describe

    try:
        return describe(registry().get(name))
    except UnknownOperation as error:
        known = ", ".join(operation.name() for operation in registry())
        typer.echo(f"{error}\nKnown are {known}", err=True)
    sys.exit(EXIT_REFUSED)
