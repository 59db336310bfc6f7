"""Where recordings lie below the root of a storage."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath

from lightnvr.recording.model import CaptureMethod

RECORDINGS_FOLDER = "mp4"
"""All recordings are below this folder."""


class DirectoryFormat(StrEnum):
    """How the files of one stream are spread over folders."""

    FLAT = "flat"
    YEAR_MONTH = "year_month"
    YEAR_MONTH_DAY = "year_month_day"


_PATTERNS = {DirectoryFormat.FLAT: "", DirectoryFormat.YEAR_MONTH: "%Y/%m", DirectoryFormat.YEAR_MONTH_DAY: "%Y/%m/%d"}


def recording_path(
    folder: str, start_us: int, method: CaptureMethod, directory_format: DirectoryFormat, attempt: int = 0
) -> PurePosixPath:
    """Return `mp4/<folder>/YYYY/MM/DD/recording_YYYYMMDD_HHMMSS.mp4`, all in UTC.

    Further attempts in the same second get a suffix, so that no file is ever overwritten.
    """
    start = datetime.fromtimestamp(start_us / 1e6, UTC)
    kind = "detection" if method in (CaptureMethod.DETECTION, CaptureMethod.MOTION) else "recording"
    suffix = f"_{attempt}" if attempt else ""
    directory = PurePosixPath(RECORDINGS_FOLDER, folder, start.strftime(_PATTERNS[directory_format]))
    return directory / f"{kind}_{start:%Y%m%d_%H%M%S}{suffix}.mp4"


def start_from_name(name: str) -> int | None:
    """Return the start in microseconds since 1970 UTC that a file name tells; None for names of another kind."""
    parts = name.removesuffix(".mp4").split("_")
    if len(parts) < 3 or parts[0] not in ("recording", "detection") or not name.endswith(".mp4"):
        return None
    try:
        moment = datetime.strptime(f"{parts[1]}_{parts[2]}", "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000
