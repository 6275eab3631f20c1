"""The images of all formats by name, which begins with the format, and a small one of each."""

from tests.processors.probing import avifs, bmps, gifs, jpegs, pngs, tiffs, webps
from tests.processors.probing.bmps import bmp
from tests.processors.probing.building import exif_of, saved
from tests.processors.probing.gifs import gif
from tests.processors.probing.pngs import EXIF_6, chunk, png
from tests.processors.probing.tiffs import tiff

IMAGES = {
    name: data
    for format in (jpegs, pngs, webps, avifs, tiffs, bmps, gifs)
    for name, data in format.IMAGES.items()
}


SMALL = {
    "jpeg": saved("JPEG", "RGB", exif=exif_of(6)),
    "png": png(3, 8, before_pixels=EXIF_6 + chunk(b"tRNS", b"\0")),
    "webp": saved("WEBP", "RGBA", exif=exif_of(6)),
    "avif": saved("AVIF", "RGBA", exif=exif_of(7)),
    "tiff": tiff(samples=3, photometric=2, orientation=6),
    "bmp": bmp(8),
    "gif": gif(True, False),
}
