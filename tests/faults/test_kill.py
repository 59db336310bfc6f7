"""A process that is killed costs at most the last second of each camera."""

import random
from pathlib import Path

import httpx

from tests.cameras import film
from tests.rig.product import Cameras, add_streams, all_recordings, several_cameras, wait_until_all_record
from tests.rig.recorded import media_seconds, recorded_numbers
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

_CAMERAS = 8
_KILLS = 20
_FPS = 15
_UNTRACED = {"COVERAGE_PROCESS_CONFIG": ""}
"""A process that is killed reports no coverage, and being traced would cost it the time that this is about."""

_LOOP = 24 * _FPS
"""The film has so many pictures before its numbers begin again."""


def test_no_kill_costs_more_than_a_second_of_any_camera(tmp_path: Path) -> None:
    chance = random.Random(20)
    sent: list[dict[str, int]] = []
    with several_cameras(_CAMERAS, film("h264", "aac")) as cameras:
        for turn in range(_KILLS):
            with ServerProcess([COMMAND, "serve"], tmp_path, _UNTRACED) as server:
                with server.client() as client:
                    if not turn:
                        add_streams(client, cameras.camera)
                    wait_until_all_record(client, _CAMERAS)
                _record_some_pictures(cameras.camera, chance.randint(5, 45))
                server.kill()
                sent.append(cameras.camera.numbers_sent())
        with ServerProcess([COMMAND, "serve"], tmp_path) as server, server.client() as client:
            for name in cameras.camera.cameras:
                client.put(f"/api/streams/{name}", json={"enabled": False}).raise_for_status()
            until(lambda: _all_complete(client, cameras.camera), "everything is mended")
            for name in cameras.camera.cameras:
                _check_recordings(client, name, [numbers[name] for numbers in sent])


def _record_some_pictures(cameras: Cameras, count: int) -> None:
    one = cameras.cameras["cam0"]
    before = len(one.frames_sent)
    until(lambda: len(one.frames_sent) >= before + count, "more pictures")


def _all_complete(client: httpx.Client, cameras: Cameras) -> bool:
    return all(recording["complete"] for name in cameras.cameras for recording in all_recordings(client, name))


def _check_recordings(client: httpx.Client, stream: str, last_sent: list[int]) -> None:
    recordings = all_recordings(client, stream)[:_KILLS]
    assert len(recordings) == _KILLS
    earlier_end = 0
    for recording, sent in zip(recordings, last_sent, strict=True):
        path = Path(str(recording["file_path"]))
        numbers = recorded_numbers(path)
        first, last = numbers[0], numbers[-1]
        assert first is not None
        assert last is not None
        assert [(first + step) % _LOOP for step in range(len(numbers))] == numbers
        assert (sent - last) % _LOOP <= _FPS, f"{stream}: {(sent - last) % _LOOP} pictures are missing"
        row_seconds = recording["duration"]
        assert isinstance(row_seconds, int)
        assert abs(row_seconds - media_seconds(path)) <= 1.01
        assert recording["size_bytes"] == path.stat().st_size
        assert recording["damaged"] == ""
        start = recording["start_time_unix"]
        assert isinstance(start, int)
        assert start >= earlier_end
        earlier_end = start
