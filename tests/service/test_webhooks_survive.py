"""A webhook is called though the server stopped before it was."""

import logging
from pathlib import Path

import pytest

from tests.live import until
from tests.service.calling import client_of
from tests.service.receiver import Receiver
from tests.service.test_jobs import batch, ended, submit
from tests.stores import KINDS, url_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_was_under_way_at_the_stop_is_made_by_the_next_start(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = url_of(kind, tmp_path, request)
    with Receiver([None]) as receiver:
        with client_of(tmp_path, store, webhook_allow_private=True) as client:
            submit(client, batch(client, "stopped", webhook=receiver.url))
            first = receiver.next()
        with client_of(tmp_path, store, webhook_allow_private=True):
            again = receiver.next()
    assert again.headers["Darkroom-Delivery"] == first.headers["Darkroom-Delivery"]
    assert again.body == first.body


def test_a_call_that_was_made_is_not_made_by_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = f"sqlite:///{tmp_path / 'darkroom.db'}"
    with Receiver() as receiver, caplog.at_level(logging.INFO, "darkroom"):
        with client_of(tmp_path, store, webhook_allow_private=True) as client:
            submit(client, batch(client, "done", webhook=receiver.url))
            receiver.next()
            until(lambda: "called http" in caplog.text)
        with client_of(tmp_path, store, webhook_allow_private=True) as client:
            # What was to be called before this job would be called before it.
            other = submit(client, batch(client, "other", webhook=receiver.url)).json()["id"]
            ended(client, other)
            assert receiver.next().headers["Darkroom-Delivery"].startswith(other)
