"""Takes the SHA-256 of recordings soon after they are closed, when nothing more urgent is to be done."""

import asyncio
import hashlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from lightnvr.db.engine import Database
from lightnvr.recording import digests
from lightnvr.recording.digests import KeptFile

_INTERVAL_S = 1.0
_AT_ONCE = 8
_PIECE_BYTES = 1024 * 1024
_LEAST_PRIORITY = 19
_LAST_PIECE_S = 0.5
_RETRY_S = 60.0

log = logging.getLogger(__name__)


class Stopped(Exception):
    """There is no time left to read on."""


def sha256_of(path: Path, stopped: Callable[[], bool] = lambda: False) -> tuple[str, int]:
    """Return the SHA-256 of a file in hexadecimal, and its size in bytes. Blocks. Raises OSError, Stopped."""
    found, size = hashlib.sha256(), 0
    piece = memoryview(bytearray(_PIECE_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            if stopped():
                raise Stopped
            found.update(piece[:count])
            size += count
    return found.hexdigest(), size


class Digester:
    """One task, and a thread of the lowest priority for each file that it reads, one after the other.

    What is to be done stands in the database since the transaction that stored the recording as complete, so that
    nothing is forgotten when the process is killed. A file that cannot be read is tried again after a minute.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives seconds since 1970 UTC."""
        self._database = database
        self._now = now
        self._monotonic = monotonic
        self._retry_at: dict[int, float] = {}

    async def run(self) -> None:
        """Take digests until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_S)
            try:
                while await self._take_some():
                    pass
            except SQLAlchemyError as error:
                log.error("checksums of recordings cannot be stored: %s", error.__cause__ or error)
            except Exception:
                # Recording goes on; what is due stays due.
                log.exception("taking the checksums of recordings failed")

    async def _take_some(self) -> bool:
        """Work on the next few. Returns False when there is nothing more that could be done now."""
        began = self._monotonic()
        self._retry_at = {key: moment for key, moment in self._retry_at.items() if moment > began}
        async with self._database.reading.connect() as connection:
            files = await digests.due(connection, _AT_ONCE + len(self._retry_at))
        files = [file for file in files if file.recording.id not in self._retry_at][:_AT_ONCE]
        taken: dict[int, str | None] = {}
        for file in files:
            try:
                taken[file.recording.id] = await self._digest(file)
            except OSError as error:
                log.warning("%s cannot be read to take its checksum: %s", file.path, error.strerror or error)
                self._retry_at[file.recording.id] = began + _RETRY_S
        if taken:
            async with self._database.writing.begin() as connection:
                for recording_id, sha256 in taken.items():
                    await digests.keep(connection, recording_id, sha256, int(self._now()))
        return bool(files)

    async def _digest(self, file: KeptFile) -> str | None:
        """Return the digest; None when what is on the disk is not what was closed any more."""
        await asyncio.to_thread(file.storage.check)
        try:
            sha256, size = await _aside(file.path)
        except FileNotFoundError:
            return None
        if size != file.recording.size_bytes:
            log.error("%s has %d bytes, but had %d when it was closed", file.path, size, file.recording.size_bytes)
            return None
        return sha256


async def _aside(path: Path) -> tuple[str, int]:
    """Read a file in a thread that everything else comes before. Raises OSError."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[tuple[str, int]] = loop.create_future()
    stop = threading.Event()

    def settle(result: tuple[str, int] | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        elif result is not None:
            outcome.set_result(result)

    def work() -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LEAST_PRIORITY)
        try:
            result, error = sha256_of(path, stop.is_set), None
        except Exception as failure:  # noqa: BLE001 - it is raised where it is waited for
            result, error = None, failure
        if not stop.is_set():
            loop.call_soon_threadsafe(settle, result, error)

    thread = threading.Thread(target=work, name="digester", daemon=True)
    thread.start()
    try:
        return await outcome
    finally:
        # A MiB at most is still read; a disk that hangs must not keep the program from ending.
        stop.set()
        await asyncio.to_thread(thread.join, _LAST_PIECE_S)
