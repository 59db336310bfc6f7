"""Looks at the files of all recordings: is each what it was when it was closed?"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import anyio.to_thread

from lightnvr.cli.archive import OpenedArchive, opened_archive
from lightnvr.cli.findings import Finding
from lightnvr.config import Settings
from lightnvr.recording import digests, store
from lightnvr.recording.digester import sha256_of
from lightnvr.recording.digests import KeptFile

_AT_ONCE = 200
_KEPT = "Keep what is left of it (protect the recording) and look after the disk, or after who has access to it."
_GONE = "Put it back from a backup, or delete the recording."


async def check_media(settings: Settings, tell: Callable[[Finding], Finding]) -> Sequence[Finding]:
    """Read every finished recording. Returns what was found, each told as soon as it is known."""
    findings: list[Finding] = []
    absent: set[int] = set()
    files = unsure = size_bytes = 0
    async with opened_archive(settings) as archive:
        after = 0
        while some := await _next(archive, after):
            after = some[-1].recording.id
            for file in some:
                if file.storage.id in absent:
                    continue
                try:
                    file.storage.check()
                except OSError as error:
                    absent.add(file.storage.id)
                    findings.append(tell(Finding.bad(f"storage {file.storage.name}", str(error), "")))
                    continue
                found = await anyio.to_thread.run_sync(_look, file)
                if found is not None and await _is_listed(archive, file):
                    findings.append(tell(found))
                files, size_bytes = files + 1, size_bytes + file.recording.size_bytes
                unsure += file.digest is None
                _show(files, size_bytes)
    _show(None, 0)
    if unsure:
        fact = f"of {unsure} recordings no checksum is kept, so that only their size could be looked at"
        findings.append(tell(Finding.fine("media", fact)))
    if not any(not finding.good for finding in findings):
        fact = f"{files} recordings, {size_bytes / 1e9:.1f} GB, are as they were when they were closed"
        findings.append(tell(Finding.fine("media", fact)))
    return findings


async def _next(archive: OpenedArchive, after: int) -> list[KeptFile]:
    async with archive.database.reading.connect() as connection:
        return await digests.kept_after(connection, after, _AT_ONCE)


async def _is_listed(archive: OpenedArchive, file: KeptFile) -> bool:
    # It may have been deleted, as it should be, while others were read.
    async with archive.database.reading.connect() as connection:
        return await store.get(connection, file.recording.id) is not None


def _look(file: KeptFile) -> Finding | None:
    recording = file.recording
    begin, end = (datetime.fromtimestamp(us / 1e6, UTC) for us in (recording.start_us, recording.end_us))
    subject = f"recording {recording.id} of {recording.stream_name}, {begin:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC"
    try:
        size = file.path.stat().st_size
        if size < recording.size_bytes:
            fact = (
                f"{file.path} was truncated: {recording.size_bytes - size} of {recording.size_bytes} bytes are missing"
            )
            return Finding.bad(subject, fact, _KEPT)
        if size > recording.size_bytes:
            fact = f"{file.path} was changed: it is {size - recording.size_bytes} bytes longer than when it was closed"
            return Finding.bad(subject, fact, _KEPT)
        if file.digest is not None and sha256_of(file.path)[0] != file.digest.sha256:
            return Finding.bad(subject, f"{file.path} was changed since it was closed", _KEPT)
    except FileNotFoundError:
        return Finding.bad(subject, f"{file.path} is missing", _GONE)
    except OSError as error:
        return Finding.bad(subject, f"{file.path} cannot be read: {error.strerror}", "Look after the disk.")
    return None


def _show(files: int | None, size_bytes: int) -> None:
    if sys.stderr.isatty():
        text = "" if files is None else f"{files} recordings, {size_bytes / 1e9:.1f} GB"
        print(f"\r{text:40}\r", end="", file=sys.stderr, flush=True)  # noqa: T201
