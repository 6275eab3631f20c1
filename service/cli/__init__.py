"""The command line: `python main.py [COMMAND]`; `serve` when none is given."""

from service.cli.main import main

__all__ = ["main"]
