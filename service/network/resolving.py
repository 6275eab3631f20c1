"""Host names to addresses, in a time that has an end."""

import socket
import threading
from concurrent.futures import Future

import httpcore


def resolve(host: str, port: int) -> Future[list[str]]:
    """The addresses of a host, in their usual spelling, or httpcore.ConnectError.

    In a thread that nothing waits for at the end of the process: a resolver may take half a minute.
    """
    found: Future[list[str]] = Future()
    threading.Thread(target=_resolve, args=(host, port, found), name="resolve", daemon=True).start()
    return found


def _resolve(host: str, port: int, found: Future[list[str]]) -> None:
    if not found.set_running_or_notify_cancel():
        return
    try:
        # As bytes, the name is not encoded once more.
        answers = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(address[0]) for *_, address in answers)))
    except (OSError, ValueError) as error:
        found.set_exception(httpcore.ConnectError(f"{host} cannot be resolved: {error}"))
