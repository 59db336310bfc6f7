"""Times on the wire: ISO 8601 in UTC out; ISO 8601 with any offset, a bare date, or Unix seconds in."""

import re
from datetime import UTC, datetime, timedelta

from lightnvr.api.validation import BadRequest

_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LATEST_S = 253_402_300_799
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def iso(seconds: float) -> str:
    """Return `2026-08-01T12:00:00Z` for seconds since 1970 UTC."""
    return (_EPOCH + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(seconds: float) -> str:
    """Return `2026-08-01T12:00:00.250Z` for seconds since 1970 UTC."""
    moment = _EPOCH + timedelta(milliseconds=int(seconds * 1000))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def iso_us(microseconds: int) -> str:
    """Return `2026-08-01T12:00:00.250000Z` for microseconds since 1970 UTC."""
    return f"{_EPOCH + microseconds * _MICROSECOND:%Y-%m-%dT%H:%M:%S.%fZ}"


def iso_or_none(seconds: float | None) -> str | None:
    """Return the same, or None when there is no time."""
    return None if seconds is None else iso(seconds)


def read_time(name: str, text: str, *, end_of_day: bool) -> int:
    """Return microseconds since 1970 UTC. A time without an offset is UTC.

    A bare date means its first microsecond, or its last with `end_of_day`. Raises BadRequest naming the parameter.
    """
    text = text.strip()
    try:
        if _NUMBER.fullmatch(text):
            if abs(float(text)) > _LATEST_S:
                raise ValueError(text)
            whole, _, fraction = text.partition(".")
            return int(whole) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)
        # In a query a "+" that was not escaped arrives as a blank.
        moment = datetime.fromisoformat(re.sub(r" (\d{2}:?\d{2})$", r"+\1", text))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        microseconds = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{name} must be a time such as 2026-08-01T12:00:00Z or 2026-08-01T14:00:00+02:00, a date, or Unix seconds"
        ) from None
    if end_of_day and _DATE.fullmatch(text):
        microseconds += 86_400_000_000 - 1
    return microseconds
