"""Makes open recordings survive a power cut, away from the threads that write them."""

import logging
import threading
from pathlib import Path

from lightnvr.recording.disk import Disk, sync_names
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings
from lightnvr.recording.timing import Timing

log = logging.getLogger(__name__)


class Syncer:
    """One thread that syncs every open file at most every `interval_s` seconds; 0 leaves it to the system."""

    def __init__(self, disk: Disk, recordings: OpenRecordings, interval_s: float) -> None:
        self._disk = disk
        self._recordings = recordings
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._synced_folders: set[Path] = set()
        self._thread = threading.Thread(target=self._run, name="syncer", daemon=True)
        self.failures = 0
        self.timing = Timing()
        """Of each sync of a file."""
        self.error = ""
        """Why files cannot be synced at the moment, or empty."""

    def start(self) -> None:
        """Begin to work."""
        if self._interval_s:
            self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End. Returns False when the disk did not let it in that time, in seconds."""
        self._stop.set()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self.sync_all()

    def sync_all(self) -> None:
        """Sync every file that grew since the last time."""
        for recording in self._recordings:
            written = recording.segment.length
            if recording.closing or written <= recording.synced_bytes:
                continue
            try:
                with self.timing.measured():
                    self._sync(recording)
            except OSError as error:
                if not recording.closing:
                    self.failures += 1
                    self.error = f"Recordings cannot be synced to the disk: {error.strerror or error}."
                    log.error("%s could not be synced to disk: %s", recording.facts.absolute_path, error)
                continue
            recording.synced_bytes = written
            self.error = ""

    def _sync(self, recording: OpenRecording) -> None:
        recording.segment.sync()
        folder = recording.facts.absolute_path.parent
        if not recording.synced_bytes:
            # The file is new: its name, and those of its folders, are to survive as well.
            if folder in self._synced_folders:
                self._disk.sync_folder(folder)
                return
            sync_names(self._disk, recording.facts.absolute_path, recording.facts.storage.root)
            self._synced_folders.add(folder)
