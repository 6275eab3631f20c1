"""The reader of images that the tests give to operations which need one beside their input."""

from functools import cache

from tests.live import ROOT

_SAMPLE = "testimages/cyclo4.jpg"


@cache
def read_sample(path: str) -> bytes:
    """A file of the repository. Any other name stands for a picture of it, too: tests make up names
    to try the text form, and look at the pixels all the same."""
    file = ROOT / path
    return (file if file.is_file() else ROOT / _SAMPLE).read_bytes()
