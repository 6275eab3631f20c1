"""`python main.py serve`: the HTTP server."""

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
        settings.server.check_listening()
        configure_logging(settings.log)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    server = settings.server
    uvicorn.run(
        create_app(settings),
        host=server.host,
        port=server.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        # What runs gets the rest of the time, the workers' end its own.
        timeout_graceful_shutdown=max(1, int(server.shutdown_timeout - 2 * CLOSE_SECONDS)),
    )
