"""The example of the page about the stream works as it stands."""

import shutil
from pathlib import Path

import pytest

from tests.live import ROOT, LiveServer
from tests.pages import block_of
from tests.service.stream_clients import picture, stream_url


def test_the_example_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "testimages").mkdir()
    shutil.copy(ROOT / "testimages" / "cyclo4.jpg", tmp_path / "testimages")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LiveServer(tmp_path, workers=1) as server:
        example = block_of("docs/stream.md", "python")
        exec(example.replace("ws://127.0.0.1:8888/v1/stream", stream_url(server)), {})
    assert picture((tmp_path / "output" / "small.webp").read_bytes()).shape == (256, 256, 3)
