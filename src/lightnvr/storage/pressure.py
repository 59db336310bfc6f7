"""How full a storage is, and how much has to be freed. Pure rules."""

from dataclasses import dataclass
from enum import IntEnum


class Pressure(IntEnum):
    """How short space is."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2
    EMERGENCY = 3


@dataclass(frozen=True, slots=True)
class PressureRules:
    """Free space, in per cent of the volume, below which it is short, and what is kept free.

    `lookahead_s` is how far ahead the filling is foreseen, so that cleaning begins before space is short.
    """

    warning_pct: float = 20.0
    critical_pct: float = 10.0
    emergency_pct: float = 5.0
    min_free_pct: float = 10.0
    lookahead_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Space:
    """A volume: its size, and what is free for us, in bytes."""

    total_bytes: int
    free_bytes: int

    @property
    def free_pct(self) -> float:
        """What is free, in per cent."""
        return 100.0 * self.free_bytes / self.total_bytes if self.total_bytes else 0.0


def pressure(space: Space, rules: PressureRules) -> Pressure:
    """Return how short space is."""
    free_pct = space.free_pct
    if free_pct < rules.emergency_pct:
        return Pressure.EMERGENCY
    if free_pct < rules.critical_pct:
        return Pressure.CRITICAL
    if free_pct < rules.warning_pct:
        return Pressure.WARNING
    return Pressure.NORMAL


def bytes_to_free(space: Space, rules: PressureRules, fill_rate_bps: float) -> int:
    """Return how many bytes to free now so that `min_free_pct` stays free for `lookahead_s`; 0 when there is enough.

    `fill_rate_bps` is how fast recordings grow, in bytes a second.
    """
    kept_free = space.total_bytes * rules.min_free_pct / 100
    foreseen = space.free_bytes - max(0.0, fill_rate_bps) * rules.lookahead_s
    return max(0, int(kept_free - foreseen))


def seconds_to_target(space: Space, rules: PressureRules, fill_rate_bps: float) -> float:
    """Return how long it takes until only `min_free_pct` is free; 0 when it is so already, -1 when unknown."""
    spare = space.free_bytes - space.total_bytes * rules.min_free_pct / 100
    if spare <= 0:
        return 0.0
    return spare / fill_rate_bps if fill_rate_bps > 0 else -1.0
