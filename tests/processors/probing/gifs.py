"""GIF files."""

import io

from tests.processors.probing.building import picture, saved


def gif(*frames_transparent):
    first, *others = [picture("RGB").convert("P") for _ in frames_transparent]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, loop=0, duration=90)
    data = bytearray(buffer.getvalue())
    at = -1
    for transparent in frames_transparent:
        at = data.find(b"\x21\xf9\x04", at + 1)
        if at >= 0:
            data[at + 3] = data[at + 3] & ~1 | transparent
    return bytes(data)


IMAGES = {
    **{f"gif {mode}": saved("GIF", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    "gif interlaced": saved("GIF", "L", interlace=1),
    "gif with a comment": saved("GIF", "L", comment=b"x" * 2000),
    "gif transparent": saved("GIF", "1", transparency=1),
    "gif animated": gif(False, False),
    "gif animated, first transparent": gif(True, False),
    "gif animated, last transparent": gif(False, True),
}
