"""Logging: one line an event, to the console and, if wanted, to a file."""

import logging
import sys
from pathlib import Path

import structlog

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


def configure_logging(level: int, file: Path | None) -> None:
    """Send what is logged through structlog and the standard library to the console and to `file`.

    `level` is 0 (errors) to 3 (all). Raises OSError when the file cannot be written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    handlers: list[tuple[logging.Handler, bool]] = [(logging.StreamHandler(sys.stderr), sys.stderr.isatty())]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append((logging.FileHandler(file, encoding="utf-8"), False))
    root = logging.getLogger()
    for handler, colors in handlers:
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    # Plain, because the usual form shows the values of variables: request headers, camera addresses.
                    structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback),
                ],
            )
        )
        root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    # What uvicorn says of each WebSocket holds its query, with the ticket that lets the reader in.
    for noisy in ("alembic", "aiosqlite", "sqlalchemy", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
