"""What the original says of a recording besides its file: why it was made, and how long it is kept."""

from collections.abc import Iterable

from lightnvr.moving.original import OriginalRow
from lightnvr.moving.values import number, text, whole
from lightnvr.recording.marks import MOST_TAGS
from lightnvr.recording.model import CaptureMethod, Tier
from lightnvr.streams.values import is_storable

_TIERS = {0: Tier.CRITICAL, 1: Tier.IMPORTANT, 2: Tier.STANDARD, 3: Tier.EPHEMERAL}
_METHODS = {method.value: method for method in CaptureMethod}
_MOST_TAG_BYTES = 127
_MOST_DAYS = 36_500


def method_of(row: OriginalRow, *, is_early: bool) -> CaptureMethod:
    """Return why a recording was made. `is_early`: this version has no schedules, whatever it says."""
    method = _METHODS.get(text(row["trigger_type"]) or "scheduled", CaptureMethod.CONTINUOUS)
    if method is CaptureMethod.SCHEDULED and (is_early or number(row["schedule_restricted"]) == 0):
        return CaptureMethod.CONTINUOUS
    return method


def tier_of(row: OriginalRow) -> Tier:
    """Return how much a recording matters."""
    return _TIERS.get(whole(row["retention_tier"], 2), Tier.STANDARD)


def kept_for(row: OriginalRow, stream_days: int) -> int | None:
    """Return the recording's own number of days, None when its stream's count.

    In the original they can only make it longer; here they count instead of the stream's, of which 0 is for ever.
    """
    own_days = whole(row["retention_override_days"])
    return min(own_days, _MOST_DAYS) if 0 < stream_days < own_days else None


def tags_of(tags: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags a recording can have here, and those it cannot."""
    wanted = sorted({tag.strip() for tag in tags} - {""})
    possible = [tag for tag in wanted if is_storable(tag) and "," not in tag and len(tag.encode()) <= _MOST_TAG_BYTES]
    kept = possible[:MOST_TAGS]
    return tuple(kept), tuple(tag for tag in wanted if tag not in kept)
