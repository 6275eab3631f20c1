"""What the listener says, byte for byte."""

import json
import struct
from typing import Any

MAGIC = b"DRKM"
VERSION = 1
LENGTHS = struct.Struct(">II")
MAX_HEADER = 64 * 1024

NAMES_RECEIVED = b"nombre de carpeta y lista nombres imagenes recibidas"
IMAGE_RECEIVED = b"imagen recibida"
ALL_RECEIVED = b"Todas las imagen recibidas, descomprimidas y nombradas"


def message(type: str, **header: Any) -> bytes:
    """A message of the framed protocol, without a body."""
    encoded = json.dumps({"type": type, **header}).encode()
    return LENGTHS.pack(len(encoded), 0) + encoded


def line(detail: str) -> bytes:
    """Why the original protocol's conversation ends: its clients print what they are answered."""
    return f"error: {detail}\n".encode(errors="backslashreplace")
