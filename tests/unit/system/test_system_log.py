"""Entries in the log of the system, as a syslog that listens on a socket sees them."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightnvr.logs import LogOptions, configure_logging
from lightnvr.system.system_log import SystemLog


@contextmanager
def syslog(path: Path) -> Iterator[socket.socket]:
    """Listen as a syslog does."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(30)
        yield listener


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_an_entry_has_facility_severity_name_and_process(tmp_path: Path, root_logger: logging.Logger) -> None:
    with syslog(tmp_path / "log") as listener:
        logs = configure_logging(2, None, syslog_socket=str(tmp_path / "log"))
        logs.take(LogOptions(2, ("recorder", "LOG_LOCAL3")))
        logging.getLogger("lightnvr").warning("%s is lost", "Front Door")
        # local3 is 19, warning is 4 (RFC 5424 section 6.2.1)
        line = listener.recv(9000).decode()
    assert line.startswith(f"<{19 * 8 + 4}>recorder[")
    assert line.endswith("]: Front Door is lost")


def test_it_can_be_switched_while_the_program_runs(tmp_path: Path, root_logger: logging.Logger) -> None:
    with syslog(tmp_path / "log") as listener:
        logs = configure_logging(2, None, syslog_socket=str(tmp_path / "log"))
        logs.take(LogOptions(2, ("one", "LOG_USER")))
        root_logger.info("first")
        logs.take(LogOptions(2, ("two", "LOG_USER")))
        root_logger.info("second")
        logs.take(LogOptions(2))
        root_logger.info("third")
        seen = [listener.recv(9000).decode().split("[")[0] for _ in range(2)]
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(9000)
    assert seen == ["<14>one", "<14>two"]


def test_a_system_log_that_is_not_there_stops_nothing(tmp_path: Path, root_logger: logging.Logger) -> None:
    logs = configure_logging(2, None, syslog_socket=str(tmp_path / "nowhere"))
    logs.take(LogOptions(2, ("lightnvr", "LOG_USER")))
    root_logger.info("goes on")
    assert [entry.text for entry in logs.recent.latest(2)] == [
        f"the system log at {tmp_path / 'nowhere'} cannot be written to: No such file or directory",
        "goes on",
    ]


def test_a_system_log_that_was_restarted_is_found_again(tmp_path: Path) -> None:
    handler = SystemLog(str(tmp_path / "log"), ident="lightnvr", facility="LOG_DAEMON")
    record = logging.LogRecord("lightnvr", logging.ERROR, __file__, 1, "it failed", (), None)
    with syslog(tmp_path / "log") as listener:
        handler.handle(record)
        assert listener.recv(9000).startswith(b"<27>lightnvr[")
    handler.handle(record)
    assert handler.lost == 1
    with syslog(tmp_path / "log") as listener:
        handler.handle(record)
        assert listener.recv(9000).startswith(b"<27>lightnvr[")
    handler.close()
