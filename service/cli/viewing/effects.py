"""The operations, in a thread of their own: a slow one leaves out frames, and delays none."""

import threading
from functools import partial

import cv2
import numpy as np

from processors.alpha import flatten, full_scale
from processors.errors import ProcessorError, ResourceUnavailable
from processors.operation import Image, Size, channels_of, size_of
from processors.pipeline import Runner
from processors.plan import Pipeline, PlannedStep
from processors.resources import reading
from service.camera.lettering import notice
from service.cli.requests import validated, with_recipe
from service.cli.viewing.newest import Frame, Newest
from service.errors import InvalidRequest
from service.services import limits_from, storage_from
from service.settings import Settings
from service.storage import Storage, StorageError

_TRIED = Size(1000, 1000)
_WHITE = (255, 255, 255)
_LOOK_SECONDS = 0.2


def pipeline_of(operations: list[str], recipe: str | None, settings: Settings) -> Pipeline:
    """What is to be done to each frame. Raises RequestError, StoreError and SettingsError."""
    given = {"images": [], "operations": operations, "recipe": recipe}
    pipeline = with_recipe(validated(given), settings).pipeline()
    for at, operation in pipeline.steps:
        try:
            parts = len(operation.output_sizes(_TRIED))
        except ProcessorError:
            continue  # that size does not fit; the camera's may
        if parts > 1:
            detail = f"{operation.op} makes several images of one: the window shows one"
            raise InvalidRequest(detail, [(f"/operations/{at}", detail)])
    return pipeline


class Effects:
    """Makes `shots` of the newest of `frames` until it is closed."""

    def __init__(self, frames: Newest[Frame], pipeline: Pipeline, settings: Settings) -> None:
        self.shots: Newest[Frame] = Newest()
        self._frames = frames
        self._runner = Runner(pipeline, limits_from(settings))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="effects", daemon=True)
        self._reader = partial(_read, storage_from(settings))

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout: float) -> bool:
        """Whether it has ended in `timeout` seconds: an operation may take longer."""
        self._ended.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with reading(self._reader, self._runner.limits):
            while not self._ended.is_set():
                frame = self._frames.take(_LOOK_SECONDS)
                if frame is not None:
                    self.shots.put(frame if frame.problem is not None else self._made(frame.image))

    def _made(self, image: Image) -> Frame:
        try:
            return Frame(applied(self._runner, image))
        except ProcessorError as error:
            return Frame(notice(size_of(image), "cannot be shown so", str(error)), str(error))


def applied(runner: Runner, image: Image) -> Image:
    """(H, W) or (H, W, 3) uint8 after all steps, alpha laid onto white. Raises ProcessorError."""
    images = [image]
    for at, operation in runner.pipeline.steps:
        images = runner.apply(PlannedStep(at, operation, (), exact=False), images, 1, [])
    image = images[0]
    if image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255 / full_scale(image))  # type: ignore[assignment]
    return flatten(image, _WHITE) if channels_of(image) == 4 else image


def _read(storage: Storage, path: str) -> bytes:
    """Raises ResourceUnavailable."""
    try:
        return storage.read(path)
    except StorageError as error:
        raise ResourceUnavailable(str(error)) from error
