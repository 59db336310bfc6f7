"""What a full disk makes the log say: each cause once, and once that it is over, however long it takes."""

import errno
import logging
from pathlib import Path

import pytest

from lightnvr.recording.finaliser import Finaliser
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.segment import Segment
from tests.rig.disks import Refusal, WatchedDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe, film
from tests.rig.segments import facts
from tests.rig.studio import Studio
from tests.rig.waiting import until


def _closed(disk: WatchedDisk, root: Path, name: str) -> OpenRecording:
    shown = film(Recipe(seconds=1))
    segment = Segment(disk, facts(root, f"mp4/door/{name}.mp4"), shown.tracks, shown.packets[0], 500_000)
    for packet in shown.packets:
        segment.add(packet)
    segment.finish(NOON_US + 10**9)
    return segment.recording


def test_files_that_cannot_be_finished_are_told_once_for_all_and_again_when_they_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refusal, failures = Refusal("write_at"), list[OSError]()
    disk = WatchedDisk(refusal)
    finaliser = Finaliser(disk, lambda recording, error: failures.append(error), retry_s=0.01)
    recordings = [_closed(disk, tmp_path, name) for name in "abc"]
    refusal.active = True
    with caplog.at_level(logging.INFO):
        finaliser.start()
        for recording in recordings:
            finaliser.submit(recording)
        until(lambda: len(failures) >= 12)
        refusal.active = False
        until(lambda: all(recording.finalised for recording in recordings))
        assert finaliser.stop(60)
    reason = "No space left on device"
    assert [record.getMessage() for record in caplog.records] == [
        f"files on {tmp_path} cannot be finished yet: {reason}",
        f"files on {tmp_path} can be finished again, which could not be: {reason}",
    ]


class _RoomForHeads(Refusal):
    """A full disk with room for the first write to each file: a page or two that a deleted file has left."""

    def __init__(self) -> None:
        super().__init__("write_at", error=errno.ENOSPC)
        self._begun: set[Path] = set()

    def __call__(self, what: str, path: Path) -> None:
        """See Refusal."""
        if what == "write_at" and path not in self._begun:
            self._begun.add(path)
            return
        super().__call__(what, path)


def test_a_recorder_tells_once_that_it_cannot_write_and_once_that_it_can_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shown = film(Recipe(seconds=42))
    refusal = _RoomForHeads()
    with caplog.at_level(logging.WARNING), Studio(tmp_path, WatchedDisk(refusal)) as studio:
        led = studio.led(segment_s=4)
        led.feed(shown.items[: 2 * 15])
        refusal.active = True
        led.feed(shown.items[2 * 15 : 35 * 15])
        assert not led.recorder.recording
        refusal.active = False
        led.feed(shown.items[35 * 15 :])
        assert (led.recorder.recording, led.recorder.error) == (True, "")
        led.stop()
    said = [record.getMessage() for record in caplog.records if record.name.endswith("recorder")]
    assert said == [
        f"door: Nothing can be written to {tmp_path}: No space left on device.",
        "door: recording stops, the disk refused for 10 s",
        "door: recording again",
    ]
