"""What can go wrong with a store."""


class StoreError(Exception):
    """Base of what a store can have to say; `str(error)` is fit for the user, without secrets.

    StoreError
    ├── StoreUnavailable    the database is away, or does not answer in time
    ├── StoreTooNew         the database was written by a later version of this service
    ├── NameRefused         a name that cannot be kept
    ├── CursorRefused       a cursor that is none of this query's
    ├── NotStored           there is nothing of that name
    ├── QueueFull           as many jobs wait or run as may
    ├── KeyReused           an Idempotency-Key stands for another request
    ├── LeaseLost           a job belongs to another process
    ├── JobNotEnded         a job that waits or runs cannot be removed
    └── StoredOtherwise     the name is taken, by something else
    """


class StoreUnavailable(StoreError):
    """The database is away, or does not answer in time."""


class StoreTooNew(StoreError):
    """The database was written by a later version of this service."""


class NameRefused(StoreError):
    """A name that cannot be kept as it is."""


class CursorRefused(StoreError):
    """A cursor that is none of this query's."""


class NotStored(StoreError):
    """There is nothing of that name."""


class StoredOtherwise(StoreError):
    """The name is taken, by something else."""


class JobNotEnded(StoreError):
    """A job that waits or runs cannot be removed."""


class QueueFull(StoreError):
    """As many jobs wait or run as may."""


class KeyReused(StoreError):
    """An Idempotency-Key that stands for another request."""


class LeaseLost(StoreError):
    """Another process has the job now, or it has ended."""
