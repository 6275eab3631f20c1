"""Gaussian smoothing with the pixels of OpenCV, bit by bit, in a half of its time.

For 8 bits OpenCV rounds the kernel to multiples of 1/256 that add up to 1, and rounds once, at the
end. So every value on the way is a whole number below 2**24, which a float32 holds exactly: the
sums may be made by fused multiply-adds, in any order, over whole rows of all channels.
"""

from processors.gaussian.smooth import smooth, warm_up

__all__ = ["smooth", "warm_up"]
