"""`python main.py serve`: the HTTP server."""

import socket
import sys
from typing import Annotated

import typer

from service.cli.output import EXIT_REFUSED

_KEEP_ALIVE_SECONDS = 75


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 for any.")] = None,
) -> None:
    """Serve the HTTP API (the default command)."""
    import uvicorn

    from service.app import CLOSE_SECONDS, create_app
    from service.environment import SettingsError
    from service.logs import configure_logging
    from service.settings import load_settings

    try:
        settings = load_settings(host=host, port=port)
        server = settings.server
        server.check_listening()
        _check_port(server.host, server.port)
        configure_logging(settings.log)
        app = create_app(settings)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    uvicorn.run(
        app,
        host=server.host,
        port=server.port,
        # httptools takes headers of any length; h11 stops at 64 KiB.
        http="h11",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        # What runs gets the rest of the time, the workers' end its own.
        timeout_graceful_shutdown=max(1, int(server.shutdown_timeout - 2 * CLOSE_SECONDS)),
    )


def _check_port(host: str, port: int) -> None:
    """Say what to do when the port is taken, before anything is started. Raises SettingsError."""
    from service.environment import SettingsError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            detail = f"cannot listen on {host} port {port}: {reason}; DARKROOM_PORT sets another"
            raise SettingsError(detail) from None
