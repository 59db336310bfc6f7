"""Looks at the machine: folders, disk, clock."""

import ctypes
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from lightnvr.cli.findings import Finding

_LEAST_FREE_BYTES = 5 * 1024**3
_LEAST_FREE_SHARE = 0.05
_SURELY_PAST_S = 1_750_000_000
_TIMEX_BYTES = 512
_TIME_ERROR = 5


def check_folder(name: str, folder: Path) -> Finding:
    """Look whether files can be made in a folder, or the folder itself when it is missing. Leaves nothing behind."""
    place = _nearest(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".check-") as file:
            file.write(b"LightNVR")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding.bad(
            name,
            f"{place} cannot be written: {error.strerror}",
            f"Give it to the user that LightNVR runs as, for example `chown -R lightnvr {place}`, mount its disk, or "
            "set another folder in lightnvr.ini.",
        )
    return Finding.fine(name, f"{folder} " + ("can be written" if place == folder else "can be made"))


def check_space(folder: Path) -> Finding:
    """Look whether there is room for recordings."""
    try:
        usage = shutil.disk_usage(_nearest(folder))
    except OSError as error:
        return Finding.bad("free space", f"{folder} cannot be looked at: {error.strerror}", "Mount its disk.")
    fact = f"{usage.free / 1024**3:.1f} GB of {usage.total / 1024**3:.1f} GB are free"
    if usage.free < _LEAST_FREE_BYTES or usage.free < usage.total * _LEAST_FREE_SHARE:
        return Finding.bad("free space", fact, "Recording stops when the disk is full: make room or use a larger disk.")
    return Finding.fine("free space", fact)


def check_clock(now: float, synchronised: bool | None) -> Finding:
    """Look whether the clock can be right. `now` is in seconds since 1970 UTC; `synchronised` None is unknown."""
    fact = f"it is {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if now < _SURELY_PAST_S:
        return Finding.bad("clock", fact + ", which is long past", "Set the clock, for example with `timedatectl`.")
    if synchronised is False:
        return Finding.note(
            "clock",
            fact + ", but no time server keeps the clock right",
            "Recordings are found by time: switch time synchronisation on with `timedatectl set-ntp true`.",
        )
    return Finding.fine("clock", fact + (", kept right by a time server" if synchronised else ""))


def kernel_clock_is_synchronised() -> bool | None:
    """Return what the kernel says about its clock (adjtimex(2)), or None where it cannot be asked."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        state: int = library.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _nearest(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
