"""Certificates of localhost, made for a test."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def certificate_or_skip(folder: Path) -> Path:
    """`both.pem`: the key and the certificate of localhost. `cert.pem` beside it has no key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl, which makes a certificate for this test")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "both.pem", "-out", "cert.pem"]
    subprocess.run([*made.split(), *names], cwd=folder, check=True, capture_output=True)
    path = folder / "both.pem"
    path.write_text(path.read_text() + (folder / "cert.pem").read_text())
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context
