"""The limit: nothing but OpenCV's calls, those that Darkroom's plan comes to."""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.runners.crew import Orders, Process, serve
from benchmarks.workloads import Job


def prepare() -> Process:
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }

    def process(job: Job, orders: Orders) -> None:
        data = Path(job.input).read_bytes()
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags[job.reduction])
        assert image is not None
        image = shrink(image, job.width, job.height)
        if orders.blur is not None:
            side, sigma = orders.blur
            image = cv2.GaussianBlur(image, (side, side), sigma)
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, orders.quality])
        Path(job.output).write_bytes(encoded.data)

    def shrink(image: Any, width: int, height: int) -> Any:
        had_height, had_width = image.shape[:2]
        if (had_width, had_height) == (width, height):
            return image
        even = had_width % width == had_height % height == 0
        if even or had_width <= width or had_height <= height:
            return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        double = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
        return cv2.resize(double, (width, height), interpolation=cv2.INTER_AREA)

    return process


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    serve(prepare, processes=parser.parse_args().processes)
