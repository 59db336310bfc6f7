"""Rows of the recordings table, and the conditions that a list puts on them."""

from typing import Any

from sqlalchemy import ColumnElement, Row, SQLColumnExpression, true

from lightnvr.db.tables import recordings
from lightnvr.recording.model import CaptureMethod, Recording, RecordingFilter, Tier

_COLUMNS = recordings.c.keys()
_CAPTURE_METHOD = _COLUMNS.index("capture_method")
_TIER = _COLUMNS.index("tier")


def wanted_streams(wanted: RecordingFilter, name: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Return the condition on the column, or the expression, that has the stream's name."""
    if not wanted.streams:
        return true()
    if len(wanted.streams) == 1:
        return name == wanted.streams[0]
    return name.in_(wanted.streams)


def wanted_starts(wanted: RecordingFilter, start_us: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Return the condition on the column, or the expression, that has the start."""
    bounds: ColumnElement[bool] = true()
    if wanted.start_us is not None:
        bounds = bounds & (start_us >= wanted.start_us)
    if wanted.end_us is not None:
        bounds = bounds & (start_us <= wanted.end_us)
    return bounds


def recording_from(row: Row[tuple[object, ...]]) -> Recording:
    """Return the recording of a row of `select(recordings)`."""
    # The columns are in the order of the members. Looking each up by its name takes most of the time of a page.
    values: list[Any] = list(row[: len(_COLUMNS)])
    values[_CAPTURE_METHOD] = CaptureMethod(values[_CAPTURE_METHOD])
    values[_TIER] = Tier(values[_TIER])
    return Recording(*values)
