"""What can go wrong with a dataset."""


class DatasetError(Exception):
    """There is no dataset; `str(error)` is fit for the user.

    DatasetError
    ├── DatasetRefused    what was asked for is wrong: trying again is no help
    ├── DownloadLost      the connection was lost too often; the next run goes on with the rest
    └── ArchiveRefused    what came is not what it should be
    """


class DatasetRefused(DatasetError):
    """What was asked for is wrong: trying again is no help."""


class DownloadLost(DatasetError):
    """The connection was lost too often; what came is kept, and the next run goes on."""


class ArchiveRefused(DatasetError):
    """What came is not what it should be."""
