"""Logging: one line an event, to the console and, if wanted, to a file and to the system's log."""

import logging
import logging.handlers
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lightnvr.system.recent_log import RecentLog
from lightnvr.system.system_log import SystemLog

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
_COLORS = {logging.DEBUG: "2", logging.INFO: "32", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
_FILE_BYTES = 10 * 1024 * 1024
_OLD_FILES = 4
# Names of cameras and what clients send come into messages: none of it may begin a line that looks like ours.
_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code != ord("\t")}
_SYSLOG_SOCKET = "/dev/log"

log = logging.getLogger(__name__)


class LineFormatter(logging.Formatter):
    """Writes `time [level] message [logger]`, the time in UTC, with the traceback of an exception below it.

    A traceback is plain: never with the values of variables, which hold request headers and camera addresses.
    """

    def __init__(self, *, colors: bool) -> None:
        super().__init__()
        self._colors = colors

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        level = record.levelname.lower().ljust(8)
        if self._colors:
            level = f"\x1b[{_COLORS.get(record.levelno, '0')}m{level}\x1b[0m"
        line = f"{at} [{level}] {record.getMessage().translate(_VISIBLE)} [{record.name}]"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class MessageFormatter(logging.Formatter):
    """Writes the message alone, with the traceback of an exception below it: for those who keep the rest apart."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text, without an end of line."""
        text = record.getMessage().translate(_VISIBLE)
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What may change while the server runs. `level` is 0 (errors) to 3 (all).

    `system_log` is the name and the facility, such as LOG_USER, in the log of the system; None: not there.
    """

    level: int = 2
    system_log: tuple[str, str] | None = None


class Logs:
    """The process's logging. `recent` has what was logged lately, `file` is where it is written to as well."""

    def __init__(self, file: Path | None = None, *, syslog_socket: str = _SYSLOG_SOCKET) -> None:
        """Nothing is logged before `begin`."""
        self.file = file
        self.recent = RecentLog()
        self._syslog_socket = syslog_socket
        self._lines: logging.handlers.RotatingFileHandler | None = None
        self._system: SystemLog | None = None
        self._options = LogOptions()

    def begin(self, level: int) -> None:
        """Send what is logged to the console, to memory and to `file`. Raises OSError when that cannot be written."""
        self._options = LogOptions(level)
        logging.getLogger().setLevel(_LEVELS[level])
        console = logging.StreamHandler(sys.stderr)
        console.setFormatter(LineFormatter(colors=sys.stderr.isatty()))
        self.recent.setFormatter(MessageFormatter())
        handlers: list[logging.Handler] = [console, self.recent]
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._lines = logging.handlers.RotatingFileHandler(
                self.file, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8"
            )
            self._lines.setFormatter(LineFormatter(colors=False))
            handlers.append(self._lines)
        for handler in handlers:
            logging.getLogger().addHandler(handler)
        # What uvicorn says of each WebSocket holds its query, with the ticket that lets the reader in.
        for noisy in ("alembic", "aiosqlite", "sqlalchemy", "uvicorn.access", "uvicorn.error"):
            logging.getLogger(noisy).setLevel(logging.WARNING)

    def take(self, options: LogOptions) -> None:
        """Use other options from now on. A system log that is not there is told of, and the rest goes on."""
        root = logging.getLogger()
        if options.level != self._options.level:
            root.setLevel(_LEVELS[options.level])
        before, self._options = self._options, options
        if self._system is not None and options.system_log != before.system_log:
            root.removeHandler(self._system)
            self._system.close()
            self._system = None
        if options.system_log is not None and self._system is None:
            ident, facility = options.system_log
            system = SystemLog(self._syslog_socket, ident=ident, facility=facility)
            system.setFormatter(MessageFormatter())
            try:
                system.connect()
            except OSError as error:
                log.error("the system log at %s cannot be written to: %s", self._syslog_socket, error.strerror)
                return
            self._system = system
            root.addHandler(system)

    def clear(self) -> None:
        """Forget what was logged: in memory, and in `file` but not in the older ones. Blocks. Raises OSError."""
        self.recent.clear()
        lines = self._lines
        if lines is None:
            return
        lines.acquire()
        try:
            if lines.stream is not None:
                # Opened for appending, so the next line begins at the front.
                lines.stream.truncate(0)
        finally:
            lines.release()


def configure_logging(level: int, file: Path | None, *, syslog_socket: str = _SYSLOG_SOCKET) -> Logs:
    """Begin to log to the console, to memory and to `file`, which is kept to 10 MB and four older ones.

    The older ones are `file.1` to `.4`; `level` is 0 (errors) to 3 (all). Raises OSError when the file cannot be
    written.
    """
    logs = Logs(file, syslog_socket=syslog_socket)
    logs.begin(level)
    return logs
