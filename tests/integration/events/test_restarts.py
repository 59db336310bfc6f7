"""An event during which the server ends: what was written of it stays."""

import signal
from pathlib import Path

import pytest

from tests.cameras import camera, in_thread
from tests.rig.footage import footage
from tests.rig.product import all_recordings
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_recorded_of_an_event_is_listed_after_a_restart(tmp_path: Path, how: signal.Signals) -> None:
    with in_thread(camera) as cam:
        with ServerProcess([COMMAND, "serve"], tmp_path) as first, first.client() as client:
            body = {
                "name": "door",
                "url": cam.do(lambda one: one.url),
                "record": False,
                "detection_based_recording": True,
                "pre_detection_buffer": 2,
            }
            client.post("/api/streams", json=body).raise_for_status()
            until(lambda: len(cam.do(lambda one: one.frames_sent)) > 60, "pictures before the event")
            began = cam.do(lambda one: one.frames_sent)[-1]
            trigger = {"stream": "door", "action": "start", "label": "person"}
            assert client.post("/api/motion/trigger", json=trigger).status_code == 202
            until(lambda: len(all_recordings(client, "door")) == 1, "the clip is listed")
            seen = cam.do(lambda one: one.frames_sent)[-1]
            until(lambda: cam.do(lambda one: one.frames_sent)[-1] > seen + 30, "pictures of the event")
            first.stop(how)
        with ServerProcess([COMMAND, "serve"], tmp_path) as again, again.client() as client:
            until(lambda: all(row["complete"] for row in all_recordings(client, "door")), "the clip is mended")
            (row,) = all_recordings(client, "door")
            assert (row["capture_method"], row["has_detection"]) == ("detection", True)
            numbers = footage(Path(str(row["file_path"]))).numbers
    assert numbers[0] is not None
    assert numbers[0] < began
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert seen in numbers
