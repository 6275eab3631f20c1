"""What the commands have in common: exit codes, and consoles."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

EXIT_FAILED = 1
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

_WIDE = 240


def console(stderr: bool = False) -> "Console":
    """A console on one of the standard streams, which shows text as it is: it may name files.

    Where the stream is no terminal it is wide: a row of a table is one line, which grep finds.
    """
    # Only where it is used: each command imports this module, for the exit codes.
    from rich.console import Console

    found = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not found.is_terminal:
        found.width = _WIDE
    return found
