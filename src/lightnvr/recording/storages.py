"""All storages: which one a stream records to, and which of them are there at this moment."""

import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lightnvr.recording.storage import Storage, StorageUnavailable

_INTERVAL_S = 1.0
_SILENT_S = 6.0
"""A storage that has not answered for so long is taken for one that is not there."""

_STEADY = 2
"""So many looks in a row must be well until a storage that was away is recorded to again."""

_PROBE = ".lightnvr-probe"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """The storages of the settings: folder by name, which one is meant without a name, where to when one is away."""

    roots: Mapping[str, Path]
    default: str
    fallback: str = ""


class _Watched:
    """One storage and what is known of it. Written by its own thread, and by recorders whose writes fail."""

    def __init__(self, storage: Storage, monotonic_s: Callable[[], float]) -> None:
        self.storage = storage
        self.error = ""
        self.refusal = ""
        self.well = _STEADY
        self.answered_s = monotonic_s()


class Storages:
    """Watches every storage from a thread of its own, so that one that hangs holds up nobody. Thread-safe."""

    def __init__(
        self,
        every: Mapping[str, Storage],
        plan: StoragePlan,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`every` has all storages by name, also those that are not in the settings any more."""
        self._plan = plan
        self._monotonic_s = monotonic_s
        self._watched = {storage.id: _Watched(storage, monotonic_s) for storage in every.values()}
        self._by_name = {name: storage for name, storage in every.items() if name in plan.roots}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @classmethod
    def only(cls, storage: Storage) -> "Storages":
        """Return the one storage of an installation that has no other."""
        return cls({storage.name: storage}, StoragePlan({storage.name: storage.root}, storage.name))

    def __iter__(self) -> Iterator[Storage]:
        return iter([watched.storage for watched in self._watched.values()])

    @property
    def default(self) -> Storage:
        """The storage of streams that name none."""
        return self._by_name[self._plan.default]

    @property
    def has_fallback(self) -> bool:
        """Whether there is another storage to go to when one is away."""
        return bool(self._plan.fallback)

    def start(self) -> None:
        """Begin to watch."""
        for watched in self._watched.values():
            name = f"storage {watched.storage.name}"
            # A daemon: a disk that never answers must not keep the program from ending.
            thread = threading.Thread(target=self._watch, args=(watched,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """End; a storage that does not answer is waited for so many seconds at most, all together."""
        self._stop.set()
        ends_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, ends_s - time.monotonic()))

    def look(self) -> None:
        """Look at every storage once, as the threads do all the time."""
        for watched in self._watched.values():
            self._look(watched)

    def candidates(self, name: str) -> tuple[Storage, ...]:
        """Return where a stream that names this storage is to be recorded to now, and where else if that fails."""
        wanted = self._by_name.get(name) or self.default
        spare = self._by_name.get(self._plan.fallback)
        if spare is None or spare is wanted:
            return (wanted,)
        is_away = not self._is_steady(wanted) and not self.trouble(spare.id)
        return (spare, wanted) if is_away else (wanted, spare)

    def chosen(self, name: str) -> Storage:
        """Return where a stream that names this storage is to be recorded to now."""
        return self.candidates(name)[0]

    def error(self, storage_id: int) -> str:
        """Return why a storage is not there, empty when it is."""
        watched = self._watched.get(storage_id)
        if watched is None:
            return "This storage is not known."
        if watched.error:
            return watched.error
        silent_s = self._monotonic_s() - watched.answered_s
        if self._threads and silent_s > _SILENT_S:
            return f"The storage {watched.storage.root} does not answer."
        return ""

    def trouble(self, storage_id: int) -> str:
        """Return why a storage cannot be recorded to: it is not there, or can only be read. Empty when it can."""
        watched = self._watched.get(storage_id)
        return self.error(storage_id) or ("" if watched is None else watched.refusal)

    def refused(self, storage: Storage, error: OSError) -> None:
        """Note that a storage did not take what was to be written. A full one is there, and room is made on it."""
        watched = self._watched.get(storage.id)
        if watched is None or error.errno in _FULL:
            return
        if not watched.refusal and not watched.error:
            log.error("the storage %s refuses to be written: %s", storage.root, error.strerror or error)
        watched.well = 0
        if isinstance(error, StorageUnavailable):
            watched.error = str(error)
        else:
            watched.refusal = f"The storage {storage.root} cannot be written: {error.strerror or error}."

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong, in sentences for a person."""
        found = []
        for storage in self._by_name.values():
            if error := self.trouble(storage.id):
                spare = self._by_name.get(self._plan.fallback)
                goes_on = spare is not None and spare is not storage and not self.trouble(spare.id)
                found.append(
                    f"{error} Its streams are recorded to {spare.root} meanwhile." if goes_on and spare else error
                )
        return tuple(found)

    def _is_steady(self, storage: Storage) -> bool:
        return self._watched[storage.id].well >= _STEADY and not self.trouble(storage.id)

    def _watch(self, watched: _Watched) -> None:
        while not self._stop.is_set():
            self._look(watched)
            self._stop.wait(_INTERVAL_S)

    def _look(self, watched: _Watched) -> None:
        storage, refused_before = watched.storage, watched.refusal
        before = watched.error or refused_before
        error = refusal = ""
        try:
            storage.check()
            refusal = _refusal(storage, was_refused=bool(refused_before))
        except OSError as failure:
            error = str(failure.strerror or failure)
        if watched.refusal != refused_before:
            # A write failed meanwhile, which tells more.
            refusal = watched.refusal
        watched.well = 0 if error or refusal else watched.well + 1
        watched.error, watched.refusal = error, refusal
        watched.answered_s = self._monotonic_s()
        if (error or refusal) and not before:
            log.error("the storage %s cannot be used: %s", storage.name, error or refusal)
        elif before and not error and not refusal:
            log.warning("the storage %s, %s, can be used again", storage.name, storage.root)


def _refusal(storage: Storage, *, was_refused: bool) -> str:
    """Return why a storage that is there cannot be written, or nothing. A disk is not kept awake for it needlessly."""
    try:
        if not os.access(storage.root, os.W_OK):
            return f"The storage {storage.root} is read-only."
        if was_refused:
            _write(storage.root / _PROBE)
    except OSError as error:
        if error.errno not in _FULL:
            return f"The storage {storage.root} cannot be written: {error.strerror or error}."
    return ""


def _write(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        os.write(descriptor, b"LightNVR looks whether this disk can be written.\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink()
