"""A real browser for the pages: it fails a test for what goes wrong unseen.

Console errors, exceptions, failed requests and requests to other hosts are counted for each page,
and have to be none when the test ends; `expect` names an answer that is meant to be a refusal.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    sync_playwright,
)

CHROMIUM = "/usr/bin/chromium"
TIMES = "\N{MULTIPLICATION SIGN}"
_MISSING = f"{CHROMIUM} is not there: apt-get install --no-install-recommends chromium"
_GIVEN_UP = "net::ERR_ABORTED"
"""A preview that a newer one made useless, or an image of a page that was left."""


def chromium_or_skip() -> Iterator[Browser]:
    """Debian's Chromium, for all tests of the package."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(_MISSING)
    # The sandbox needs a user other than root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Visitor:
    """Somebody who looks at the pages of the server at `url`, with a window of their own."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 800}} | options
        self.url = url
        self.faults: list[str] = []
        self._expected: set[int] = set()
        self.context = browser.new_context(base_url=url, **options)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self._watch(self.page)

    def open(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def another(self) -> Page:
        """Another window of the same visitor."""
        page = self.context.new_page()
        self._watch(page)
        return page

    def expect(self, status: int) -> None:
        """An answer with this status is meant to come."""
        self._expected.add(status)

    def _watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # The browser's own line for a refusal; `_answered` tells which.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != _GIVEN_UP:
            self.faults.append(f"failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.faults.append(f"another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self.faults.append(f"{response.status}: {response.request.method} {response.url}")


@contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Iterator[Visitor]:
    """A visitor, whose faults have to be none at the end."""
    visitor = Visitor(browser, url, **options)
    try:
        yield visitor
        assert visitor.faults == [], "\n".join(visitor.faults)
    finally:
        visitor.context.close()


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page)["violations"]
    return [
        f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes'][:3]])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def sticks_out(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def drop(page: Page, selector: str, files: list[Path]) -> None:
    """Drop files on an element, as from a file manager."""
    contents = [[file.name, list(file.read_bytes())] for file in files]
    transfer = page.evaluate_handle(
        """contents => {
            const transfer = new DataTransfer();
            for (const [name, bytes] of contents) {
                transfer.items.add(new File([new Uint8Array(bytes)], name));
            }
            return transfer;
        }""",
        contents,
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(selector, event, {"dataTransfer": transfer})
