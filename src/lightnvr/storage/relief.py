"""Watches whether deleting frees space."""

_PATIENCE_S = 30.0
_PAUSE_S = 600.0


class Relief:
    """What was deleted for lack of space and is not free yet. Times are moments of the monotonic clock in seconds.

    Space may come back late: a file is being played, the file system frees it in the background. What is expected is
    not freed a second time meanwhile. Or it never comes back, because a snapshot of the file system holds it: then
    deleting more would cost all recordings and free nothing, so it pauses.
    """

    def __init__(self) -> None:
        self._owed = 0
        self._owed_since_s = 0.0
        self._paused_until_s = 0.0

    def deleted(self, now_s: float, freed_bytes: int, gained_bytes: int) -> None:
        """Note what files took that were deleted, and by how much the free space has grown."""
        if gained_bytes >= freed_bytes / 2:
            return
        if not self._owed:
            self._owed_since_s = now_s
        self._owed += freed_bytes - max(0, gained_bytes)

    def gained(self, gained_bytes: int) -> None:
        """Note that there is more free space than before, without anything being deleted."""
        self._owed = max(0, self._owed - max(0, gained_bytes))

    def allowance(self, now_s: float, bytes_to_free: int) -> int:
        """Return how much of this to free now, in bytes."""
        if self.pauses(now_s):
            return 0
        if self._owed and now_s - self._owed_since_s > _PATIENCE_S:
            self._owed, self._paused_until_s = 0, now_s + _PAUSE_S
            return 0
        return max(0, bytes_to_free - self._owed)

    def pauses(self, now_s: float) -> bool:
        """Whether deleting has freed nothing, so that no more is deleted for a while."""
        return now_s < self._paused_until_s
