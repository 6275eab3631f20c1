"""WebP files."""

from tests.processors.probing.building import PIXELS, encoded, picture, saved

IMAGES = {
    **{f"webp {mode}": saved("WEBP", mode) for mode in ("L", "P", "RGB", "RGBA")},
    **{f"webp lossless {mode}": saved("WEBP", mode, lossless=True) for mode in ("RGB", "RGBA")},
    "webp by the decoder": encoded(".webp", PIXELS),
    "webp with a profile": saved("WEBP", "RGB", icc_profile=bytes(101)),
    "webp animated": saved("WEBP", "RGB", save_all=True, append_images=[picture("1")]),
    "webp animated alpha": saved("WEBP", "RGBA", save_all=True, append_images=[picture("1")]),
}
