"""The MongoDB server of the tests: one that they start, or one that is given."""

import os

from benchmarks.mongod import Mongod, server_binary

__all__ = ["Mongod", "given_url", "server_binary"]


def given_url() -> str | None:
    """The server that `DARKROOM_TEST_MONGO_URL` names."""
    return os.environ.get("DARKROOM_TEST_MONGO_URL")
