"""A baseline JPEG at an eighth of its size, in three quarters of the time of libjpeg-turbo.

At 1/8 a block of 8x8 samples becomes one, its mean, so that nearly all that is left of decoding is
to find where each block ends. libjpeg reads one Huffman code at a time for it; here a table gives
for each twelve bits all the codes that lie in them. The pixels are those of libjpeg, bit by bit.

It takes what cameras write: sequential, 8 bits, gray, 4:4:4 or 4:2:0, one scan. For anything else,
and for any fault in the data, `decode` gives None: then OpenCV decodes, and its verdict counts.

Source: ITU-T T.81, annexes B, C and F; the 2x2 transform and the colour arithmetic have the
constants and the rounding of libjpeg (jidctred.c, jdcolor.c), which make the pixels equal.
"""

from processors.jpeg_eighth.decode import decode, warm_up

__all__ = ["decode", "warm_up"]
