"""What `python main.py send` is asked for, and how it can go wrong."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class SendError(Exception):
    """The images cannot be sent; `str(error)` is fit for the user.

    SendError
    ├── SendRefused   what was asked for is wrong, or the server does not take it
    └── StreamLost    the server was there, and is away for longer than one should wait
    """


class SendRefused(SendError):
    """What was asked for is wrong, or the server does not take it: trying again is no help."""


class StreamLost(SendError):
    """The server was there, and is away for longer than one should wait."""


@dataclass(frozen=True)
class Wish:
    """Where to send images, and what is to come back. `rate` is in images a second."""

    url: str
    operations: list[str] = field(default_factory=list)
    recipe: str | None = None
    encode: dict[str, Any] = field(default_factory=dict)
    save: Path | None = None
    text: bool = False
    shuffle: bool = False
    rate: float | None = None
    api_key: str | None = None

    def check(self) -> None:
        """Raises SendRefused for options that exclude each other."""
        if self.text and (self.operations or self.recipe or self.encode or self.save):
            raise SendRefused(
                "--text is for servers that only take images: leave out --operation, --recipe, "
                "--format, --quality and --save, or leave out --text"
            )
        if self.operations and self.recipe:
            raise SendRefused("give --operation or --recipe: a recipe is a list of operations")
        if self.rate is not None and not 0 < self.rate < float("inf"):
            raise SendRefused(f"--rate {self.rate}: give a number of images a second, above 0")
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise SendRefused("the API key has characters that no header can have")

    def settings(self) -> dict[str, Any]:
        """The first message of a stream."""
        what = {"recipe": self.recipe} if self.recipe else {"operations": self.operations}
        reply = "image" if self.save is not None else "ack"
        return {**what, "encode": self.encode, "reply": reply}
