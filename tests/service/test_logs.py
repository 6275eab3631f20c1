"""What a line of the log looks like, where it goes, and what it must not let through."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import uvicorn

from service.environment import SettingsError
from service.logs import (
    bind_connection,
    bind_job_id,
    bind_request_id,
    configure_logging,
    job_id,
    request_id,
)
from service.settings import LogSettings

logger = logging.getLogger("darkroom.jobs")
TOUCHED = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Put the loggers back as they were, and close what the test opened."""
    loggers = [logging.getLogger(name) for name in TOUCHED]
    before = [(item, item.level, item.propagate, list(item.handlers)) for item in loggers]
    yield
    for item, level, propagate, handlers in before:
        for handler in [handler for handler in item.handlers if handler not in handlers]:
            handler.close()
        item.setLevel(level)
        item.propagate = propagate
        item.handlers = handlers


def configure(**values: object) -> None:
    configure_logging(LogSettings.model_validate(values))


def our_handlers() -> list[logging.Handler]:
    names = ("darkroom.console", "darkroom.file")
    return [handler for handler in logging.getLogger().handlers if handler.name in names]


def test_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logger.info("took %d ms", 12)
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO  darkroom\.jobs took 12 ms\n", line
    )


def test_nothing_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logger.error("failed")
    assert capsys.readouterr().out == ""


def test_a_plain_line_names_the_request_and_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    with bind_request_id("ab12"), bind_job_id("9f"):
        logger.info("done")
    assert "darkroom.jobs [request=ab12 job=9f] done" in capsys.readouterr().err


def test_a_plain_line_names_only_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    with bind_job_id("9f"):
        logger.info("done")
    assert "darkroom.jobs [job=9f] done" in capsys.readouterr().err


def test_a_plain_line_names_the_connection_and_its_descriptor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    with bind_connection("c0ffee", 14):
        logger.info("closed")
    logger.info("later")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("darkroom.jobs [connection=c0ffee fd=14] closed")
    assert second.endswith("darkroom.jobs later")


def test_a_json_line_names_the_connection_and_its_descriptor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(format="json")
    with bind_connection("c0ffee", 14):
        logger.info("closed")
    entry = json.loads(capsys.readouterr().err)
    assert (entry["connection_id"], entry["descriptor"]) == ("c0ffee", 14)


def test_a_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json")
    with bind_request_id("ab12"):
        logger.warning("größer\nals 1")
    text = capsys.readouterr().err
    entry = json.loads(text)
    assert text.count("\n") == 1
    assert datetime.fromisoformat(entry.pop("time")).utcoffset() == timedelta(0)
    assert entry == {
        "level": "WARNING",
        "logger": "darkroom.jobs",
        "message": "größer\nals 1",
        "request_id": "ab12",
        "job_id": None,
    }


def test_a_json_line_has_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json")
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("failed")
    exception = json.loads(capsys.readouterr().err)["exception"]
    assert exception.startswith("Traceback")
    assert exception.endswith("ValueError: broken")


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x00", "\x85", "\u2028", "\u202e", "\udc80"])
def test_a_plain_message_cannot_break_its_line(
    capsys: pytest.CaptureFixture[str], char: str
) -> None:
    configure()
    with bind_request_id(f"a{char}b"):
        logger.info("name %s", f"x{char}y")
    text = capsys.readouterr().err
    assert char not in text.removesuffix("\n")
    assert text.endswith("y\n")
    assert text.count("\\") == 2


def test_a_traceback_cannot_forge_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise ValueError("bad\n2026-01-02 03:04:05.678 INFO  darkroom.jobs forged\r\x1b[31m")
    except ValueError:
        logger.exception("failed")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("failed")
    assert any("forged" in line for line in rest)
    assert all(line.startswith("    | ") and line.isprintable() for line in rest)


def test_records_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="warning")
    logger.info("quiet")
    logger.warning("loud")
    assert "quiet" not in capsys.readouterr().err


def test_the_file_gets_the_same_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "darkroom.log"
    configure(file=path, format="json")
    logger.info("done")
    assert path.read_text(encoding="utf-8") == capsys.readouterr().err


def test_the_file_is_rotated(tmp_path: Path) -> None:
    configure(file=tmp_path / "darkroom.log", file_bytes=500, file_count=2)
    for _ in range(50):
        logger.info("a line of some length")
    files = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(files) == {"darkroom.log", "darkroom.log.1", "darkroom.log.2"}
    assert max(files.values()) <= 500


def test_a_file_that_cannot_be_opened_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="DARKROOM_LOG_FILE"):
        configure(file=tmp_path / "file" / "darkroom.log")


def test_a_second_call_does_not_double_the_handlers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configure(file=tmp_path / "one.log")
    configure(file=tmp_path / "two.log")
    logger.info("done")
    assert capsys.readouterr().err.count("done") == 1
    assert len(our_handlers()) == 2


def test_a_second_call_closes_the_old_file(tmp_path: Path) -> None:
    configure(file=tmp_path / "one.log")
    (old,) = [item for item in our_handlers() if isinstance(item, logging.FileHandler)]
    stream = old.stream
    configure()
    assert stream is not None
    assert stream.closed
    assert not [item for item in our_handlers() if isinstance(item, logging.FileHandler)]


def test_handlers_of_others_are_left_alone() -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    configure()
    assert other in logging.getLogger().handlers


async def unused_app(scope: object, receive: object, send: object) -> None:
    """An application for uvicorn's configuration; never called."""


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "uvicorn.access"])
def test_uvicorn_logs_through_us_whatever_the_order(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    configure()
    uvicorn.Config(unused_app, log_config=None)
    logging.getLogger(name).info("first")
    uvicorn.Config(unused_app, log_config=None)
    configure()
    logging.getLogger(name).info("second")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[-2:] for line in lines] == [[name, "first"], [name, "second"]]


def test_handlers_that_uvicorn_made_before_us_are_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    uvicorn.Config(unused_app)
    configure()
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.access").info("served")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split()[-1] for line in captured.err.splitlines()] == ["started", "served"]


def test_an_identifier_is_unbound_after_its_block() -> None:
    with bind_request_id("outer"):
        with bind_request_id("inner"):
            assert request_id.get() == "inner"
        assert request_id.get() == "outer"
    assert request_id.get() is None
    assert job_id.get() is None


def test_concurrent_tasks_keep_their_own_identifier(capsys: pytest.CaptureFixture[str]) -> None:
    configure()

    async def work(name: str) -> None:
        with bind_job_id(name):
            await asyncio.sleep(0)
            logger.info("ran %s", name)

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    text = capsys.readouterr().err
    assert "[job=a] ran a" in text
    assert "[job=b] ran b" in text


def test_a_record_keeps_the_job_that_it_names_itself(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    with bind_job_id("9f"):
        logger.info("done", extra={"job_id": "77"})
    assert "[job=77] done" in capsys.readouterr().err
