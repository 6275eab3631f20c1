"""The store of servers: MongoDB through motor."""

import os

# Read when motor is imported. A call waits in a thread: with the usual ten, of many requests that
# find the server away at once the last would wait its time behind the others'.
os.environ.setdefault("MOTOR_MAX_WORKERS", "64")

from service.store.mongo.database import check_url
from service.store.mongo.store import MongoStore

__all__ = ["MongoStore", "check_url"]
