"""The load balancer as it is shipped: a real nginx with `deploy/nginx/nginx.conf`."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import pytest

from tests.live import ROOT, until

SHIPPED = ROOT / "deploy" / "nginx" / "nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="no nginx: `apt-get install nginx`")

Address = tuple[str, int]


class Balancer:
    """nginx before two servers; only addresses and folders differ from what is shipped."""

    def __init__(self, folder: Path, first: Address, second: Address) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: Address = probe.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        self._folder = folder
        self._file = folder / "nginx.conf"
        self._file.write_text(self._rendered({"api-1:8888": first, "api-2:8888": second}))
        self._process: subprocess.Popen[bytes] | None = None

    def _rendered(self, servers: dict[str, Address]) -> str:
        changes = {name: f"{host}:{port}" for name, (host, port) in servers.items()}
        changes |= {
            "listen 8080;": f"listen 127.0.0.1:{self.address[1]};",
            " /tmp/": f" {self._folder}/",
            "/dev/stdout": f"{self._folder}/access.log",
        }
        text = SHIPPED.read_text(encoding="utf-8")
        for shipped, here in changes.items():
            assert shipped in text, shipped
            text = text.replace(shipped, here)
        return text

    def __enter__(self) -> Self:
        assert NGINX is not None
        command = [NGINX, "-c", str(self._file), "-g", "daemon off;"]
        with (self._folder / "error.log").open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        until(self._listens)
        return self

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "error.log").read_text()
        try:
            socket.create_connection(self.address, timeout=1).close()
        except OSError:
            return False
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=30, trust_env=False)


def setting(name: str) -> str:
    """The value of a directive of the shipped file, which has to be the same wherever it is."""
    text = SHIPPED.read_text(encoding="utf-8")
    (value,) = set(re.findall(rf"^\s*{name} ([^;]+);", text, re.MULTILINE))
    return str(value)
