"""Darkroom's entry: `python main.py [COMMAND]`, and `main:app` for uvicorn and TestClient."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    app: FastAPI


def __getattr__(name: str) -> Any:
    """Make `app` at its first use: worker processes import this module too, and need none."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from service.app import create_app

    globals()["app"] = create_app()
    return globals()["app"]


if __name__ == "__main__":
    try:
        from service.cli import main
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: run `make run` once, then `. .venv/bin/activate`")
    main()
