"""`python main.py serve`: the HTTP server."""

import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.loading import loading
from service.cli.output import EXIT_REFUSED

if TYPE_CHECKING:
    from service.settings import Settings

_START_FAILED = 3
"""As uvicorn's own command."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 for any.")] = None,
    ingest_port: Annotated[
        int | None, typer.Option(help="Port to take folders of images on, over TCP.")
    ] = None,
) -> None:
    """Serve the HTTP API (the default command)."""
    from service.environment import SettingsError
    from service.logs import configure_logging
    from service.settings import load_settings

    try:
        settings = load_settings(host=host, port=port, ingest_port=ingest_port)
        _check_ports(settings)
        configure_logging(settings.log)
        # Only now, as it takes half a second: what is refused is refused at once.
        with loading():
            from service.app import CLOSE_SECONDS, create_app
            from service.uvicorn_server import Server, config

            app = create_app(settings)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    server = settings.server
    options = config(
        app,
        settings,
        host=server.host,
        port=server.port,
        # What runs gets the rest of the time, the workers' end its own.
        timeout_graceful_shutdown=max(1, int(server.shutdown_timeout - 2 * CLOSE_SECONDS)),
    )
    listener = Server(options, app.state.streams.close)
    with suppress(KeyboardInterrupt):
        listener.run()
    if not listener.started:
        sys.exit(_START_FAILED)


def _check_ports(settings: "Settings") -> None:
    """Raises SettingsError."""
    from service.environment import SettingsError

    server, stream, ingest = settings.server, settings.stream.port, settings.ingest
    server.check_listening()
    _check_port(server.host, server.port, "DARKROOM_PORT")
    if stream is not None:
        if stream == server.port != 0:
            raise SettingsError("DARKROOM_STREAM_PORT and DARKROOM_PORT have to differ")
        _check_port(server.host, stream, "DARKROOM_STREAM_PORT")
    if ingest.port is not None:
        ingest.check_listening(server)
        if ingest.port in {server.port, stream} - {0}:
            raise SettingsError("DARKROOM_INGEST_PORT has to differ from the other ports")
        _check_port(ingest.host, ingest.port, "DARKROOM_INGEST_PORT")


def _check_port(host: str, port: int, name: str) -> None:
    """Say what to do when the port is taken, before anything is started. Raises SettingsError."""
    from service.environment import SettingsError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            detail = f"cannot listen on {host} port {port}: {reason}; {name} sets another"
            raise SettingsError(detail) from None
