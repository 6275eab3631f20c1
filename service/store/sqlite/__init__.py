"""The embedded store: one SQLite file, no set-up."""

from service.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
