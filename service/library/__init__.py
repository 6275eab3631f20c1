"""The images below one folder, and their index in the store."""

from service.library.index import Library

__all__ = ["Library"]
