"""The bytes of a message, as they come in."""

_PIECE = 64 * 1024


class Body:
    """Pieces of some 64 KiB, however small the parts are that come.

    One that grew as a whole would be copied again and again, and leave holes of all its sizes:
    the service of many clients with large images would take twice as much memory as they have.
    """

    def __init__(self) -> None:
        self.pieces: list[bytearray] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        if not self.pieces or len(self.pieces[-1]) >= _PIECE:
            self.pieces.append(bytearray())
        self.pieces[-1] += data
        self._length += len(data)
