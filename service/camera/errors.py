"""What a camera has to say when it gives no pictures."""


class SourceFailed(Exception):
    """The source cannot be opened, or gives no more frames; the text shows no credentials."""
