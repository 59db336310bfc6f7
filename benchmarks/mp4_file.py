"""What a foreign reader of MP4 finds in a file: boxes (ISO/IEC 14496-12 section 4.2), and the numbers on pictures."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path


def top_boxes(path: Path) -> list[str]:
    """Return the types of the whole boxes of a file, in order; a file that is not there has none."""
    found: list[str] = []
    try:
        with path.open("rb") as file:
            length, at = file.seek(0, 2), 0
            while at + 8 <= length:
                file.seek(at)
                head = file.read(16)
                size, kind = struct.unpack_from(">I4s", head)
                if size == 1 and len(head) == 16:
                    size = struct.unpack_from(">Q", head, 8)[0]
                if size < 8 or at + size > length:
                    return [*found, "torn"]
                found.append(kind.decode("latin-1"))
                at += size
    except FileNotFoundError:
        return []
    return found if at == length else [*found, "torn"]


def has_media(path: Path) -> bool:
    """Whether there is anything in the file to be played: for a fragmented one, one whole fragment."""
    return "mdat" in top_boxes(path)


def is_ordinary(path: Path) -> bool:
    """Whether it is a finished MP4: media and one table, no fragments, nothing torn, no complaint of ffprobe."""
    if sorted(kind for kind in top_boxes(path) if kind != "free") != ["ftyp", "mdat", "moov"]:
        return False
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode == 0 and not done.stderr and float(done.stdout) > 0


def newest(folder: Path) -> Path | None:
    """Return the recording that was begun last in a folder and those below."""
    return max(recordings_in(folder), default=None, key=lambda path: path.name)


def recordings_in(folder: Path) -> Iterator[Path]:
    """Yield the MP4 files in a folder and those below."""
    yield from folder.rglob("*.mp4")
