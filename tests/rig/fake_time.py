"""A monotonic and a system clock that a test sets."""

from datetime import UTC, datetime

from tests.rig.film import START_NS

NOON_US = int(datetime(2025, 3, 30, 12, tzinfo=UTC).timestamp() * 1_000_000)
"""When films begin, in microseconds since 1970 UTC."""


class FakeTime:
    """Time passes only when told to; the system clock can be set without time passing."""

    def __init__(self) -> None:
        self._monotonic_ns = START_NS
        self._system_offset_ns = NOON_US * 1000 - START_NS

    def monotonic_ns(self) -> int:
        """The monotonic clock in nanoseconds."""
        return self._monotonic_ns

    def monotonic_s(self) -> float:
        """The monotonic clock in seconds."""
        return self._monotonic_ns / 1e9

    def system_ns(self) -> int:
        """The system clock in nanoseconds since 1970 UTC."""
        return self._monotonic_ns + self._system_offset_ns

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic_ns += int(seconds * 1e9)

    def pass_until(self, monotonic_ns: int) -> None:
        """Let time pass until a moment; nothing happens when that is past."""
        self._monotonic_ns = max(self._monotonic_ns, monotonic_ns)

    def set_system(self, seconds: float) -> None:
        """Set the system clock forward or, with a negative number, back."""
        self._system_offset_ns += int(seconds * 1e9)
