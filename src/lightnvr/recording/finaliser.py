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

log = logging.getLogger(__name__)


class Finaliser:
    """One thread that turns the files of closed recordings into ordinary MP4.

    A file that cannot be finished (a full disk) is tried again every few seconds: until then it plays as it is.
    """

    def __init__(self, disk: Disk, on_failure: Callable[[OpenRecording, OSError], None], retry_s: float = 5.0) -> None:
        self._disk = disk
        self._on_failure = on_failure
        self._retry_s = retry_s
        self._queue: queue.SimpleQueue[OpenRecording | None] = queue.SimpleQueue()
        self._failed: list[OpenRecording] = []
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
        waiting, self._failed = self._failed, []
        for recording in waiting:
            if recording.is_full_disk:
                self._finalise(recording)
            else:
                self._reopen(recording)

    def _finalise(self, recording: OpenRecording) -> None:
        segment = recording.segment
        try:
            if not len(segment.index):
                recording.empty = True
                segment.close()
                self._disk.remove(recording.facts.absolute_path)
            else:
                size = segment.finalise(recording.progress.end_us)
                if not recording.synced_bytes:
                    # It was closed before the syncer came by.
                    sync_names(self._disk, recording.facts.absolute_path, recording.facts.storage.root)
                segment.close()
                recording.progress = Progress(recording.progress.end_us, size)
        except OSError as error:
            self._postpone(recording, error)
            return
        except Exception:
            # One file that cannot be finished must not keep all others open; it is mended after the next start.
            log.exception("%s could not be finished", recording.facts.absolute_path)
            return
        recording.finalised = True

    def _reopen(self, recording: OpenRecording) -> None:
        """Finish a file whose disk was away. What it had not synced may be gone, and an old descriptor is of no use."""
        try:
            recording.facts.storage.check()
            file = self._disk.open(recording.facts.absolute_path)
            try:
                segment = scan_segment(file, recording.synced_bytes).segment
            except BaseException:
                file.close()
                raise
        except OSError as error:
            self._postpone(recording, error)
            return
        except Exception:
            log.exception("%s could not be finished", recording.facts.absolute_path)
            return
        recording.segment.close()
        recording.segment = segment
        end_us = min(recording.progress.end_us, recording.facts.start_us + segment.media_end_us)
        recording.progress = Progress(end_us, segment.length)
        self._finalise(recording)

    def _postpone(self, recording: OpenRecording, error: OSError) -> None:
        recording.is_full_disk = error.errno in (errno.ENOSPC, errno.EDQUOT)
        if recording not in self._failed:
            self._failed.append(recording)
        self._on_failure(recording, error)
