"""Logging: one line an event, to the console and, if wanted, to a file."""

import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from pathlib import Path

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
_COLORS = {logging.DEBUG: "2", logging.INFO: "32", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
_FILE_BYTES = 10 * 1024 * 1024
_OLD_FILES = 4
# Names of cameras and what clients send come into messages: none of it may begin a line that looks like ours.
_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code != ord("\t")}


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


def configure_logging(level: int, file: Path | None) -> None:
    """Send what is logged to the console and to `file`, which is kept to 10 MB and four older ones (`file.1` to `.4`).

    `level` is 0 (errors) to 3 (all). Raises OSError when the file cannot be written.
    """
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(LineFormatter(colors=sys.stderr.isatty()))
    handlers: list[logging.Handler] = [console]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = logging.handlers.RotatingFileHandler(
            file, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8"
        )
        lines.setFormatter(LineFormatter(colors=False))
        handlers.append(lines)
    root = logging.getLogger()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    # What uvicorn says of each WebSocket holds its query, with the ticket that lets the reader in.
    for noisy in ("alembic", "aiosqlite", "sqlalchemy", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
