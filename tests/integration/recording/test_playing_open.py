"""A recording is played through the API while it is written; what was read of it stays true when it is finished."""

import asyncio
from pathlib import Path

import httpx
import pytest

from lightnvr.recording.segment_file import SWITCH_SIZE
from tests.cameras import camera
from tests.rig.footage import assert_sent, footage
from tests.rig.nvr import PATIENCE_S, Nvr, eventually

pytestmark = pytest.mark.anyio

_READS = 5


def _without_switch(content: bytes) -> bytes:
    """A file without the 16 bytes that change when it is finished: they follow the box `ftyp`."""
    at = int.from_bytes(content[:4], "big")
    return content[:at] + content[at + SWITCH_SIZE :]


async def test_an_open_recording_is_played_and_its_byte_ranges_stay_true(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        (row,) = await stream.has_recordings(lambda rows: len(rows) == 1 and rows[0]["duration"] >= 1, "a recording")
        path = f"/api/recordings/play/{row['id']}"

        async def ask(**headers: str) -> httpx.Response:
            return await nvr.client.get(
                path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )

        whole = await ask()
        assert whole.status_code == 200
        assert whole.headers["accept-ranges"] == "bytes"
        first = footage(whole.content)
        assert_sent(first.numbers, cam.frames_sent, most_missing=30)
        tags = [whole.headers["etag"]]

        # As a player does that goes on where the file ended: what is new, as soon as there is something.
        followed = whole.content
        async with asyncio.timeout(PATIENCE_S):
            while len(tags) <= _READS:
                answer = await ask(range=f"bytes={len(followed)}-")
                if answer.status_code == 416:
                    assert answer.headers["content-range"] == f"bytes */{len(followed)}"
                    await asyncio.sleep(0.02)
                    continue
                assert answer.status_code == 206
                begin, end = len(followed), len(followed) + len(answer.content)
                assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{end}"
                followed += answer.content
                tags.append(answer.headers["etag"])
                assert_sent(footage(followed).numbers, cam.frames_sent, most_missing=30)
        assert len(set(tags)) == len(tags), "a file that grew is another one for caches"
        beyond = await ask(range=f"bytes={10**9}-")
        assert beyond.status_code == 416
        assert int(beyond.headers["content-range"].removeprefix("bytes */")) >= len(followed)
        assert (await ask(range="bytes=0-99", if_range=tags[0])).status_code == 200
        assert (await ask(if_none_match=tags[0])).status_code == 200
        assert (await nvr.get(f"/api/recordings/{row['id']}"))["complete"] is False

        (row,) = await stream.stopped()
        assert row["complete"]
        closed = await ask()
        tag = closed.headers["etag"]
        assert tag not in tags
        assert closed.content == await asyncio.to_thread(Path(row["file_path"]).read_bytes)
        assert len(closed.content) == row["size_bytes"]
        assert _without_switch(closed.content).startswith(_without_switch(followed))
        middle = len(whole.content)
        part = await ask(range=f"bytes={middle}-{len(followed) - 1}", if_range=tag)
        assert (part.status_code, part.content) == (206, followed[middle:])
        assert (await ask(if_none_match=tag)).status_code == 304
        assert (await ask(range=f"bytes={row['size_bytes']}-")).status_code == 416
        assert_sent(footage(closed.content).numbers, cam.frames_sent)
        await eventually(lambda: cam.connections_open == 0, "the camera is let go")
        assert cam.connections_total == 1
