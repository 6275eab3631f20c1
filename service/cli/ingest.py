"""`python main.py ingest`: a folder's images into a collection of a server, over TCP."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from service.cli import options


class Protocol(StrEnum):
    FRAMED = "framed"
    PICKLE = "pickle"


def ingest(
    ip: Annotated[
        str, typer.Option("--ip", "-i", metavar="IP", help="Address of the server.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", "-p", min=1, max=65535, help="Its DARKROOM_INGEST_PORT."),
    ] = 1234,
    folder: Annotated[
        str,
        typer.Option(
            "--folder", "-f", metavar="FOLDER", help="The images directly in it are sent."
        ),
    ] = "img_to_learn",
    protocol: Annotated[
        Protocol,
        typer.Option("--protocol", help="pickle is for servers that speak the original protocol."),
    ] = Protocol.FRAMED,
    api_key: Annotated[str | None, options.api_key(where=", in the framed protocol")] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection",
            metavar="NAME",
            help="Collection that the images go to; by default it has the folder's name.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what became of each image on standard output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only the summary.")] = False,
) -> None:
    """Send a folder's images to a server's collection, over TCP.

    An image whose name is there is left alone: sending a folder again does no harm.

    Exit codes: 0 all there, 1 an image failed or the server was lost, 2 a wrong request or no
    server, 130 Ctrl-C.
    """
    from service.cli.ingesting import sending

    target = sending.Target(ip, port, protocol is Protocol.PICKLE, api_key)
    sys.exit(sending.run(target, folder, collection, as_json, quiet))
