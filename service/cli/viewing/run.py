"""`python main.py camera`: from settings to a window, until it is closed."""

import os
import sys
import time
from contextlib import closing
from typing import NoReturn

import typer

from processors.encoding import encode
from processors.errors import ProcessorError
from processors.operation import Image, Size
from processors.plan import Pipeline
from service.camera.address import Address
from service.camera.camera import Setting
from service.camera.lettering import notice, write
from service.camera.pictures import FULL_QUALITY, NumberedFolder, pictures_in
from service.cli.output import EXIT_INTERRUPTED
from service.cli.viewing.effects import Effects
from service.cli.viewing.feed import Feed
from service.cli.viewing.newest import Frame
from service.cli.viewing.window import Window
from service.settings import Settings
from service.storage import StorageError

_KEYS = "r takes a picture, 0 puts the settings back, q ends"
_POLL_MILLISECONDS = 10
_TOLD_SECONDS = 3.0
_END_SECONDS = 2.0
_FIRST_SIZE = Size(640, 480)


def show(settings: Settings, pipeline: Pipeline, fullscreen: bool) -> int:
    """Show the camera until the window is closed. Gives the exit code."""
    code = 0
    feed = Feed(Address.parse(settings.camera.camera.get_secret_value()))
    effects = Effects(feed.frames, pipeline, settings)
    feed.start()
    effects.start()
    try:
        with closing(Window(feed.name, fullscreen, feed.change)) as window:
            typer.echo(_KEYS)
            Session(window, feed, effects, pictures_in(settings.camera.camera_pictures)).run()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    finally:
        ended = (feed.close(_END_SECONDS), effects.close(_END_SECONDS))
    if not all(ended):
        _leave(code)
    return code


def _leave(code: int) -> NoReturn:
    """End at once: native code that a thread is stuck in would not survive an orderly end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Session:
    """What the window shows, and what keys do."""

    def __init__(
        self, window: Window, feed: Feed, effects: Effects, pictures: NumberedFolder
    ) -> None:
        self._window, self._feed, self._effects = window, feed, effects
        self._pictures = pictures
        opening = f"{feed.name} is being opened"
        self._shot = Frame(notice(_FIRST_SIZE, "one moment", opening), opening)
        self._title = feed.name
        self._settings: list[Setting] | None = None
        self._told, self._told_until = "", 0.0

    def run(self) -> None:
        """Until the window is closed."""
        self._window.show(self._shot.image)
        while True:
            key = self._window.key(_POLL_MILLISECONDS)
            if key == "q" or not self._window.is_open:
                return
            self._obey(key)
            self._update()

    def _obey(self, key: str) -> None:
        if key == "r":
            self._tell(*self._take_picture())
        elif key == "0":
            self._feed.reset()

    def _take_picture(self) -> tuple[str, bool]:
        """Save what is shown; what became of it, and whether it is well."""
        if self._shot.problem is not None:
            return f"there is no picture to take: {self._shot.problem}", False
        try:
            file = self._pictures.save(encode(self._shot.image, "jpeg", FULL_QUALITY))
        except (ProcessorError, StorageError) as error:
            return str(error), False
        return f"saved {file.path}", True

    def _tell(self, text: str, well: bool) -> None:
        """In the window for a while, and on the console."""
        typer.echo(text, err=not well)
        self._told, self._told_until = text, time.monotonic() + _TOLD_SECONDS
        self._window.show(self._lettered(self._shot.image))

    def _update(self) -> None:
        if (shot := self._effects.shots.take(0)) is not None:
            self._shot = shot
            self._window.show(self._lettered(shot.image))
        settings = self._feed.settings()
        if settings is not None and settings is not self._settings:
            self._settings = settings
            self._window.set_sliders(settings)
        if self._feed.name != self._title:
            self._title = self._feed.name
            self._window.entitle(self._title)

    def _lettered(self, image: Image) -> Image:
        if time.monotonic() >= self._told_until:
            return image
        image = image.copy()
        write(image, self._told, 0.96, 0.035)
        return image
