"""What was deleted and why: for the log, for metrics and for whoever asks."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lightnvr.recording.model import Recording
from lightnvr.storage.retention import Deletion, Reason

_WHY = {
    Reason.AGE: "older than they are kept",
    Reason.QUOTA: "over the stream's quota",
    Reason.TOTAL: "over what all recordings may take",
    Reason.SPACE: "to make room on the disk",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What one run has deleted. `finished` is false when there was more than it had time for."""

    deleted: dict[Reason, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))
    freed_bytes: int = 0
    failed: int = 0
    finished: bool = True

    @property
    def count(self) -> int:
        """How many recordings."""
        return sum(self.deleted.values())


@dataclass(slots=True)
class _Part:
    count: int = 0
    size_bytes: int = 0
    first_us: int = 2**63
    last_us: int = 0


class Tally:
    """Counts what one run deletes."""

    def __init__(self) -> None:
        self._parts: defaultdict[tuple[str, Reason], _Part] = defaultdict(_Part)
        self._failed: dict[int, str] = {}
        self._freed_bytes = 0

    @property
    def count(self) -> int:
        """How many recordings so far."""
        return sum(part.count for part in self._parts.values())

    def add(self, wanted: Iterable[Deletion], gone: Iterable[Recording], freed_bytes: int) -> None:
        """Note what is gone of what was wanted."""
        reasons = {deletion.recording.id: deletion.reason for deletion in wanted}
        for recording in gone:
            part = self._parts[recording.stream_name, reasons[recording.id]]
            part.count += 1
            part.size_bytes += recording.size_bytes
            part.first_us = min(part.first_us, recording.start_us)
            part.last_us = max(part.last_us, recording.start_us)
        self._freed_bytes += freed_bytes

    def failed(self, recording_id: int, reason: str) -> None:
        """Note a recording whose file cannot be removed."""
        self._failed[recording_id] = reason

    def cleanup(self, *, finished: bool) -> Cleanup:
        """Return the sums."""
        deleted = dict.fromkeys(Reason, 0)
        for (_, reason), part in self._parts.items():
            deleted[reason] += part.count
        return Cleanup(deleted, self._freed_bytes, len(self._failed), finished)

    def tell(self) -> None:
        """Log what was deleted, a line for each stream and reason, and what could not be."""
        for (stream_name, reason), part in sorted(self._parts.items()):
            log.info(
                "%s: deleted %d recordings, %.1f MB, %s; they began from %s to %s",
                stream_name,
                part.count,
                part.size_bytes / 1e6,
                _WHY[reason],
                _iso(part.first_us),
                _iso(part.last_us),
            )
        if self._failed:
            recording_id, why = next(iter(self._failed.items()))
            log.error(
                "%d recordings should be deleted but their files cannot be removed; of recording %d: %s",
                len(self._failed),
                recording_id,
                why,
            )


def _iso(moment_us: int) -> str:
    return datetime.fromtimestamp(moment_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
