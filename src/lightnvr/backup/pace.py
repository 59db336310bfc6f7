"""How fast a backup is made: never at the cost of recording, and not any more once the server stops."""

import threading
import time

from lightnvr.backup.model import BackupAbandoned

_LONGEST_S = 0.25


class Pace:
    """Rests after each step as long as the step took, so that half of the time the disk is for others."""

    def __init__(self, *, hurry: bool = False) -> None:
        """With `hurry` there is no rest, because nothing else goes on."""
        self._hurry = hurry
        self._stop = threading.Event()
        self._since = time.monotonic()

    def rest(self) -> None:
        """Rest after a step. Raises BackupAbandoned once `stop` was called."""
        took_s = time.monotonic() - self._since
        if self._stop.wait(0.0 if self._hurry else min(took_s, _LONGEST_S)):
            raise BackupAbandoned("The backup was given up because the server is being stopped.")
        self._since = time.monotonic()

    def goes_on(self) -> bool:
        """Whether `stop` was not called yet."""
        return not self._stop.is_set()

    def stop(self) -> None:
        """Give up at the next step. May be called from any thread."""
        self._stop.set()
