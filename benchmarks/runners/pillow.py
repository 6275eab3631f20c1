"""Pillow: JPEG decoded at reduced size by `draft`, then a bilinear resize with antialiasing."""

import argparse
from functools import cache
from itertools import product
from math import exp

from benchmarks.runners.crew import Orders, Process, serve
from benchmarks.workloads import Job


def prepare() -> Process:
    from PIL import Image, ImageFilter

    def process(job: Job, orders: Orders) -> None:
        size = (job.width, job.height)
        with Image.open(job.input) as image:
            image.draft("RGB", size)
            result = image.resize(size, Image.Resampling.BILINEAR)
        if orders.blur is not None:
            # Kernel, not GaussianBlur: that one knows no kernel size, and 5x5 is what is asked for.
            side, sigma = orders.blur
            result = result.filter(ImageFilter.Kernel((side, side), gaussian(side, sigma)))
        result.save(job.output, "JPEG", quality=orders.quality)

    return process


@cache
def gaussian(side: int, sigma: float) -> list[float]:
    """The weights of a kernel, row by row."""
    taps = [exp(-((at - side // 2) ** 2) / (2 * sigma**2)) for at in range(side)]
    return [x * y / sum(taps) ** 2 for x, y in product(taps, taps)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    serve(prepare, processes=parser.parse_args().processes)
