"""Downloads of several recordings as one ZIP: who may fetch which, and until when."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lightnvr.playback.zip_stream import ZipEntry, file_entry
from lightnvr.recording.model import (
    JobNotFound,
    RecordingFileMissing,
    RecordingNotFound,
    TooManyJobs,
)
from lightnvr.recording.service import RecordingFile, Recordings

_MOST = 100
_MOST_OF_ONE = 20
_KEPT_S = 600.0
_UNWANTED = set('<>:"/\\|?*')
"""In names of files some systems take none of these."""


@dataclass(frozen=True, slots=True)
class Download:
    """A ZIP that can be fetched. `missing` are the ids that are not in it, because there is no recording or no file."""

    token: str
    filename: str
    recording_ids: tuple[int, ...]
    missing: tuple[int, ...]


@dataclass(slots=True)
class _Kept:
    owner: int
    download: Download
    used_s: float


class Downloads:
    """Knows the downloads that were begun in the last ten minutes. Belongs to the event loop.

    Nothing is packed before it is fetched, and it can be fetched again until ten minutes after the last time.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._kept: dict[str, _Kept] = {}

    async def start(self, owner: int, recordings: Recordings, recording_ids: Sequence[int], filename: str) -> Download:
        """Begin a download of `recordings`, those that the owner may see.

        Raises RecordingNotFound when there is none of the recordings, and TooManyJobs.
        """
        self._forget_old()
        own = sum(kept.owner == owner for kept in self._kept.values())
        if own >= _MOST_OF_ONE or len(self._kept) >= _MOST:
            raise TooManyJobs("Too many downloads were begun. Try again in some minutes.")
        wanted = list(dict.fromkeys(recording_ids))
        files = await _files(recordings, wanted)
        there = tuple(file.recording.id for file in files)
        if not there:
            raise RecordingNotFound("There is none of these recordings.")
        missing = tuple(key for key in wanted if key not in there)
        download = Download(str(uuid.uuid4()), filename, there, missing)
        self._kept[download.token] = _Kept(owner, download, self._monotonic_s())
        return download

    def find(self, owner: int, token: str) -> Download:
        """Return a download. Raises JobNotFound, also when it is of somebody else."""
        self._forget_old()
        kept = self._kept.get(token)
        if kept is None or kept.owner != owner:
            raise JobNotFound(token)
        return kept.download

    async def entries(self, owner: int, recordings: Recordings, token: str) -> tuple[Download, list[ZipEntry]]:
        """Return a download and what is in its ZIP now, of what the owner may see now.

        Raises JobNotFound, RecordingFileMissing.
        """
        download = self.find(owner, token)
        files = await _files(recordings, download.recording_ids)
        if not files:
            raise RecordingFileMissing("None of these recordings is there any more.")
        self._kept[token].used_s = self._monotonic_s()
        return download, _entries(files)

    def _forget_old(self) -> None:
        now_s = self._monotonic_s()
        self._kept = {key: kept for key, kept in self._kept.items() if now_s - kept.used_s <= _KEPT_S}


async def _files(recordings: Recordings, recording_ids: Sequence[int]) -> list[RecordingFile]:
    found: list[RecordingFile] = []
    for recording_id in recording_ids:
        try:
            found.append(await recordings.file(recording_id))
        except (RecordingNotFound, RecordingFileMissing):
            continue
    return found


def _entries(files: Sequence[RecordingFile]) -> list[ZipEntry]:
    taken: set[str] = set()
    entries: list[ZipEntry] = []
    for file in files:
        whole = f"{file.recording.stream_name}_{PurePosixPath(file.recording.path).name}"
        plain = "".join("_" if character in _UNWANTED or character < " " else character for character in whole)
        stem, dot, suffix = plain.rpartition(".")
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem} ({number}){dot}{suffix}"
        taken.add(name.casefold())
        entries.append(file_entry(name, file.path, file.length, file.modified_s, file.read))
    return entries
