"""pyvips: its one-call thumbnail, or JPEG decoded at reduced size and then a resize."""

import argparse
import os
from functools import partial
from typing import Any

from benchmarks.runners.crew import Orders, Process, serve
from benchmarks.workloads import Job

_AMPLITUDE = 0.8
"""The mask of sigma 4 that ends below it has five taps, those of the other contestants."""


def prepare(how: str) -> Process:
    import pyvips

    # The same files come again and again: without this they would be answered from memory.
    pyvips.cache_set_max(0)

    def thumbnail(job: Job) -> Any:
        return pyvips.Image.thumbnail(job.input, job.width, height=job.height, size="force")

    def shrink(job: Job) -> Any:
        image = pyvips.Image.jpegload(job.input, shrink=job.reduction, access="sequential")
        if (image.width, image.height) == (job.width, job.height):
            return image
        across, down = job.width / image.width, job.height / image.height
        return image.resize(across, vscale=down, kernel="linear")

    resized = thumbnail if how == "thumbnail" else shrink

    def process(job: Job, orders: Orders) -> None:
        image = resized(job)
        if orders.blur is not None:
            image = image.gaussblur(orders.blur[1], min_ampl=_AMPLITUDE, precision="integer")
        # By itself it keeps chroma whole from quality 90 on; the others never do.
        image.jpegsave(job.output, Q=orders.quality, subsample_mode="on")

    return process


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["thumbnail", "shrink"])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vips-threads", default="1")
    arguments = parser.parse_args()
    os.environ["VIPS_CONCURRENCY"] = arguments.vips_threads
    serve(partial(prepare, arguments.how), arguments.processes, arguments.threads)
