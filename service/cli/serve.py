"""`python main.py serve`: the HTTP server."""

import socket
import sys
from contextlib import suppress
from typing import Annotated

import typer

from service.cli.loading import loading
from service.cli.output import EXIT_REFUSED

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
    with loading():
        from service.app import CLOSE_SECONDS, create_app
        from service.environment import SettingsError
        from service.logs import configure_logging
        from service.settings import load_settings
        from service.uvicorn_server import Server, config

    try:
        settings = load_settings(host=host, port=port, ingest_port=ingest_port)
        server = settings.server
        server.check_listening()
        _check_port(server.host, server.port, "DARKROOM_PORT")
        if settings.stream.port is not None:
            if settings.stream.port == server.port != 0:
                raise SettingsError("DARKROOM_STREAM_PORT and DARKROOM_PORT have to differ")
            _check_port(server.host, settings.stream.port, "DARKROOM_STREAM_PORT")
        if settings.ingest.port is not None:
            settings.ingest.check_listening(server)
            if settings.ingest.port in {server.port, settings.stream.port} - {0}:
                raise SettingsError("DARKROOM_INGEST_PORT has to differ from the other ports")
            _check_port(settings.ingest.host, settings.ingest.port, "DARKROOM_INGEST_PORT")
        configure_logging(settings.log)
        with loading():
            app = create_app(settings)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
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
