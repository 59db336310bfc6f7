"""Recordings that a crash left open: a file and a row each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightnvr.db.engine import Database
from lightnvr.recording import store
from lightnvr.recording.open_recordings import OpenRecording, Progress
from lightnvr.recording.scan import scan_segment
from tests.rig.disks import MemoryFile
from tests.rig.fake_time import NOON_US
from tests.rig.segments import facts


async def leave_open(
    database: Database, root: Path, contents: Sequence[bytes | None], whole: bytes, stream: str = "door"
) -> list[int]:
    """Leave a row for each content, and the file unless it is None; return the ids.

    Recordings are 10 s apart, and of none it is known that anything was synced. `whole` is a file that has at least
    what any of them holds.
    """
    segment = scan_segment(MemoryFile(whole)).segment
    ids: list[int] = []
    async with database.writing.begin() as connection:
        for number, content in enumerate(contents):
            about = facts(root, f"mp4/{stream}/recording_{number}.mp4", NOON_US + number * 10_000_000)
            opened = OpenRecording(replace(about, stream_name=stream), segment)
            opened.progress = Progress(about.start_us + 1, 1)
            ids.append(await store.insert_open(connection, opened))
            if content is not None:
                about.absolute_path.parent.mkdir(parents=True, exist_ok=True)
                about.absolute_path.write_bytes(content)
    return ids
