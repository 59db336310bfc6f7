"""What is logged: one line an event that nobody can forge, in files that do not grow without end."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightnvr.logs import LineFormatter, configure_logging


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def _record(message: str, *arguments: object) -> logging.LogRecord:
    record = logging.LogRecord("lightnvr.streams", logging.WARNING, __file__, 1, message, arguments, None)
    record.created = 1_790_000_000.25
    return record


def test_an_event_is_one_line_with_its_time_in_utc() -> None:
    line = LineFormatter(colors=False).format(_record("%s is lost", "door"))
    assert line == "2026-09-21T14:13:20.250000Z [warning ] door is lost [lightnvr.streams]"


def test_what_a_client_sends_cannot_look_like_a_line_of_ours() -> None:
    line = LineFormatter(colors=False).format(
        _record("login of %r failed %s", "x", "a\n2026-01-01 [info] admin\x1b[2J")
    )
    assert "\n" not in line
    assert "\x1b" not in line
    assert "a\\x0a2026-01-01 [info] admin\\x1b[2J" in line


def test_a_traceback_follows_without_the_values_of_variables() -> None:
    secret = "hunter2"
    try:
        raise OSError(len(secret))
    except OSError as error:
        record = _record("failed")
        record.exc_info = (OSError, error, error.__traceback__)
    text = LineFormatter(colors=False).format(record)
    assert text.endswith("OSError: 7")
    assert "hunter2" not in text


def test_a_log_file_is_begun_anew_and_four_old_ones_are_kept(tmp_path: Path, root_logger: logging.Logger) -> None:
    file = tmp_path / "log" / "lightnvr.log"
    configure_logging(2, file)
    for _ in range(600):
        root_logger.info("x" * 100_000)
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "lightnvr.log",
        *(f"lightnvr.log.{number}" for number in range(1, 5)),
    ]
    assert all(path.stat().st_size <= 10 * 1024 * 1024 for path in file.parent.iterdir())
