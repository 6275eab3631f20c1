"""The store of servers: MongoDB through motor."""

from service.store.mongo.database import check_url
from service.store.mongo.store import MongoStore

__all__ = ["MongoStore", "check_url"]
