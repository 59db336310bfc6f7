"""Closes files, away from the threads that record."""

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable

from lightnvr.recording.disk import Disk, sync_names
from lightnvr.recording.open_recordings import OpenRecording, Progress
from lightnvr.recording.scan import scan_segment

_Cause = tuple[str, str]
"""The root of a storage, and why its files cannot be finished."""

log = logging.getLogger(__name__)


class Finaliser:
    """One thread that turns the files of closed recordings into ordinary MP4.

    A file that cannot be finished (a full disk) is tried again every few seconds: until then it plays as it is. What
    keeps files from being finished is logged once, and when it does so no more.
    """

    def __init__(
        self,
        disk: Disk,
        on_failure: Callable[[OpenRecording, OSError], None] = lambda _recording, _error: None,
        retry_s: float = 5.0,
    ) -> None:
        """`on_failure` is told of each failure, from the thread."""
        self._disk = disk
        self._on_failure = on_failure
        self._retry_s = retry_s
        self._queue: queue.SimpleQueue[OpenRecording | None] = queue.SimpleQueue()
        self._failed: dict[OpenRecording, _Cause] = {}
        self._thread = threading.Thread(target=self._run, name="finaliser", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, recording: OpenRecording) -> None:
        """Hand over a recording that nobody writes to any more."""
        recording.closing = True
        self._queue.put(recording)

    def stop(self, timeout_s: float) -> bool:
        """Finish what was handed over and end. Returns False when the disk did not let it in that time, in seconds."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        retry_at = time.monotonic() + self._retry_s
        while True:
            try:
                recording = self._queue.get(timeout=max(0.0, retry_at - time.monotonic()))
            except queue.Empty:
                self._retry()
                retry_at = time.monotonic() + self._retry_s
                continue
            if recording is None:
                self._retry()
                return
            self._finalise(recording)

    def _retry(self) -> None:
        before = set(self._failed.values())
        for recording in list(self._failed):
            self._finalise(recording)
        for root, reason in sorted(before - set(self._failed.values())):
            log.warning("files on %s can be finished again, which could not be: %s", root, reason)

    def _finalise(self, recording: OpenRecording) -> None:
        try:
            if recording in self._failed and not recording.is_full_disk:
                self._reopen(recording)
            self._finish(recording)
        except OSError as error:
            self._postpone(recording, error)
            return
        except Exception:
            # One file that cannot be finished must not keep all others open; it is mended after the next start.
            log.exception("%s could not be finished", recording.facts.absolute_path)
        else:
            recording.finalised = True
        self._failed.pop(recording, None)

    def _finish(self, recording: OpenRecording) -> None:
        segment = recording.segment
        if not len(segment.index):
            recording.empty = True
            segment.close()
            self._disk.remove(recording.facts.absolute_path)
            return
        size = segment.finalise(recording.progress.end_us)
        if not recording.synced_bytes:
            # It was closed before the syncer came by.
            sync_names(self._disk, recording.facts.absolute_path, recording.facts.storage.root)
        segment.close()
        recording.progress = Progress(recording.progress.end_us, size)

    def _reopen(self, recording: OpenRecording) -> None:
        """Open a file again whose disk was away: an old descriptor is of no use, and some of it may be gone."""
        recording.facts.storage.check()
        file = self._disk.open(recording.facts.absolute_path)
        try:
            segment = scan_segment(file, recording.synced_bytes).segment
        except BaseException:
            file.close()
            raise
        recording.segment.close()
        recording.segment = segment
        end_us = min(recording.progress.end_us, recording.facts.start_us + segment.media_end_us)
        recording.progress = Progress(end_us, segment.length)

    def _postpone(self, recording: OpenRecording, error: OSError) -> None:
        recording.is_full_disk = error.errno in (errno.ENOSPC, errno.EDQUOT)
        cause = str(recording.facts.storage.root), error.strerror or str(error)
        if cause not in self._failed.values():
            log.error("files on %s cannot be finished yet: %s", *cause)
        self._failed[recording] = cause
        self._on_failure(recording, error)
