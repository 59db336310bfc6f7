"""Each recording has small pictures of its beginning, its middle and its end."""

import asyncio
import io
import os
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from lightnvr.demo.numbering import frame_number
from lightnvr.playback.thumbnail_cache import ThumbnailCache
from lightnvr.recording import store
from tests.cameras import camera
from tests.rig.care import Keeping, keeping
from tests.rig.film import Recipe
from tests.rig.finished import SIZE
from tests.rig.nvr import PATIENCE_S, Row, WatchedStream, eventually
from tests.rig.segments import write

pytestmark = pytest.mark.anyio


async def _jpeg(kept: Keeping, row: Row, index: int) -> bytes:
    answer = await kept.client.get(f"/api/recordings/thumbnail/{row['id']}/{index}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    return answer.content


def _picture(jpeg: bytes) -> tuple[int, int, int | None]:
    with av.open(io.BytesIO(jpeg), "r", format="mjpeg") as container:
        frame = next(container.decode(video=0))
    return frame.width, frame.height, frame_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8))


async def _recorded(kept: Keeping, url: str, seconds: float = 6.0) -> tuple[WatchedStream, Row]:
    stream = await kept.nvr.add(url)

    def long_enough(rows: list[Row]) -> bool:
        return any(row["duration"] >= seconds for row in rows)

    await stream.has_recordings(long_enough, f"a recording of {seconds} s")
    return stream, (await stream.stopped())[0]


def _thumbnails(kept: Keeping) -> list[Path]:
    return sorted((kept.nvr.settings.general.data_dir / "thumbnails").glob("*.jpg"))


async def test_they_show_the_keyframes_of_the_beginning_the_middle_and_the_end(kept: Keeping) -> None:
    async with camera() as cam:
        _, row = await _recorded(kept, cam.url)
        sent = list(cam.frames_sent)
    pictures = [await asyncio.to_thread(_picture, await _jpeg(kept, row, index)) for index in range(3)]
    assert {picture[:2] for picture in pictures} == {(320, 240)}
    numbers = [number for _, _, number in pictures]
    assert None not in numbers
    first, middle, last = (number or 0 for number in numbers)
    assert sent[0] == first < middle < last
    # A keyframe comes every second. The length is told in whole seconds.
    length_s = row["duration"]
    assert length_s / 2 - 2 <= (middle - first) / 15 <= length_s / 2 + 1
    assert length_s - 3.5 <= (last - first) / 15 <= length_s


async def test_they_are_kept_and_go_with_the_recording(kept: Keeping) -> None:
    async with camera() as cam:
        _, row = await _recorded(kept, cam.url, 1.0)
    answers = await asyncio.gather(*(_jpeg(kept, row, 1) for _ in range(8)))
    assert len(set(answers)) == 1
    (file,) = _thumbnails(kept)
    assert file.read_bytes() == answers[0]
    file.write_bytes(b"kept")
    assert await _jpeg(kept, row, 1) == b"kept"
    answer = await kept.client.get(f"/api/recordings/thumbnail/{row['id']}/1")
    assert answer.headers["cache-control"] == "private, max-age=86400"
    assert "access-control-allow-origin" not in answer.headers
    assert (await kept.client.delete(f"/api/recordings/{row['id']}")).status_code == 200
    assert _thumbnails(kept) == []
    assert (await kept.client.get(f"/api/recordings/thumbnail/{row['id']}/1")).status_code == 404


async def test_a_recording_that_is_being_written_has_them_too(kept: Keeping) -> None:
    async with camera() as cam:
        stream = await kept.nvr.add(cam.url)
        rows = await stream.has_recordings(lambda rows: any(row["duration"] >= 3 for row in rows), "three seconds")
        assert rows[0]["complete"] is False
        first, last = [(await asyncio.to_thread(_picture, await _jpeg(kept, rows[0], index)))[2] for index in (0, 2)]
        answer = await kept.client.get(f"/api/recordings/thumbnail/{rows[0]['id']}/2")
        assert answer.headers["cache-control"] == "private, no-cache"
        assert first is not None
        assert last is not None
        assert first == cam.frames_sent[0]
        assert first <= last
    assert len(_thumbnails(kept)) == 1


async def test_there_are_no_others(kept: Keeping) -> None:
    for index in ("3", "-1", "x"):
        assert (await kept.refused("GET", f"/thumbnail/1/{index}")).startswith("index must be")


async def test_what_cannot_be_shown_is_not_found(kept: Keeping) -> None:
    (recording_id,) = await kept.keep(1)
    answer = await kept.client.get(f"/api/recordings/thumbnail/{recording_id}/0")
    assert answer.status_code == 404
    assert answer.json()["error"]
    answer = await kept.client.get("/api/recordings/thumbnail/9999/0")
    assert (answer.status_code, answer.json()["error"]) == (404, "Recording not found")


async def test_those_that_are_switched_off_are_refused_with_the_name_of_the_setting(tmp_path: Path) -> None:
    async with keeping(tmp_path / "one", thumbnails_per_recording="1") as kept:
        (recording_id,) = await kept.keep(1)
        for index in (1, 2):
            answer = await kept.client.get(f"/api/recordings/thumbnail/{recording_id}/{index}")
            assert answer.status_code == 403
            assert "thumbnails_per_recording is 1" in answer.json()["error"]
        # There would be one, if only there were footage.
        assert (await kept.client.get(f"/api/recordings/thumbnail/{recording_id}/0")).status_code == 404
    async with keeping(tmp_path / "none", generate_thumbnails=False) as kept:
        (recording_id,) = await kept.keep(1)
        for index in range(3):
            answer = await kept.client.get(f"/api/recordings/thumbnail/{recording_id}/{index}")
            assert answer.status_code == 403
            assert "generate_thumbnails is false" in answer.json()["error"]


async def test_of_a_disk_that_is_gone_it_is_said_that_it_is(kept: Keeping) -> None:
    (recording_id,) = await kept.keep(1)
    (kept.nvr.root / ".lightnvr-storage").unlink()
    async with asyncio.timeout(PATIENCE_S):
        while not (await kept.get(f"/{recording_id}"))["offline"]:  # noqa: ASYNC110 - the disk tells nobody
            await asyncio.sleep(0.05)
    answer = await kept.client.get(f"/api/recordings/thumbnail/{recording_id}/0")
    assert answer.status_code == 503
    assert "mount its disk" in answer.json()["error"]


async def test_when_too_many_are_made_the_next_ones_are_asked_to_come_back(kept: Keeping) -> None:
    ids = await kept.keep(9)
    packed = write(Recipe(seconds=1)).segment.recording.segment.index.pack()
    async with kept.database.writing.begin() as connection:
        for recording_id in ids:
            await store.store_media(connection, recording_id, fragments=packed, synced_bytes=SIZE)
    paths = [Path((await kept.get(f"/{recording_id}"))["file_path"]) for recording_id in ids]
    for path in paths:
        # Opening one to read waits until somebody opens it to write.
        path.unlink()
        os.mkfifo(path)
    asked = [
        asyncio.create_task(kept.client.get(f"/api/recordings/thumbnail/{recording_id}/{index}"))
        for recording_id in ids
        for index in range(3)
    ]
    try:
        refused: set[asyncio.Task[httpx.Response]] = set()
        while len(refused) < len(asked) - 24:
            done, _ = await asyncio.wait(set(asked) - refused, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
    finally:
        writers = [os.open(path, os.O_RDWR) for path in paths]
        answers = await asyncio.gather(*asked)
        for writer in writers:
            os.close(writer)
    for task in refused:
        answer = task.result()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "Try again" in answer.json()["error"]
    assert sorted(answer.status_code for answer in answers) == [404] * 24 + [503] * 3


def test_no_more_are_kept_than_fit_and_the_oldest_go_first(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "thumbnails", 250)
    for name in ("a", "b"):
        cache.keep(name, bytes(100))
    assert cache.read("a") == bytes(100)
    cache.keep("c", bytes(100))
    assert (cache.read("a"), cache.read("b"), cache.read("c")) == (bytes(100), None, bytes(100))
    assert sorted(path.name for path in (tmp_path / "thumbnails").iterdir()) == ["a.jpg", "c.jpg"]
    again = ThumbnailCache(tmp_path / "thumbnails", 250)
    assert again.read("c") == bytes(100)
    again.keep("d", bytes(240))
    assert sorted(again.names()) == ["d"]
    again.remove(["d", "never"])
    assert list((tmp_path / "thumbnails").iterdir()) == []


async def test_what_a_crash_left_of_a_deleted_recording_is_removed_at_the_next_start(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        (recording_id,) = await kept.keep(1)
        row = (await kept.get(""))["recordings"][0]
        folder = kept.nvr.settings.general.data_dir / "thumbnails"
        cache = ThumbnailCache(folder, 2**20)
        staying = f"{recording_id}_{row['start_time_unix']}000000_0"
        for name in (staying, f"{recording_id}_5_0", "9999_5_0", "other"):
            cache.keep(name, b"picture")
    async with keeping(tmp_path):
        await eventually(lambda: ThumbnailCache(folder, 2**20).names() == [staying], "the others are removed")
