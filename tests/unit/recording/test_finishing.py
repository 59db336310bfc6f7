"""Syncing open files and finishing closed ones, away from the threads that record."""

import errno
from pathlib import Path

import pytest

from lightnvr.recording.finaliser import Finaliser
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings
from lightnvr.recording.segment import Segment
from lightnvr.recording.syncer import Syncer
from tests.rig.disks import Refusal, Stall, WatchedDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe, film
from tests.rig.playing import numbers
from tests.rig.segments import facts
from tests.rig.waiting import until


class _Log:
    def __init__(self) -> None:
        self.done: list[tuple[str, Path]] = []
        self.refused: dict[tuple[str, Path], int] = {}

    def __call__(self, what: str, path: Path) -> None:
        self.done.append((what, path))
        if self.refused.get((what, path), 0):
            self.refused[what, path] -= 1
            raise OSError(errno.EIO, "Input/output error")

    def named(self, what: str) -> list[Path]:
        return [path for done, path in self.done if done == what]


def _recording(disk: WatchedDisk, root: Path, name: str = "a", *, pictures: int = 60) -> OpenRecording:
    shown = film(Recipe())
    segment = Segment(disk, facts(root, f"mp4/door/2025/{name}.mp4"), shown.tracks, shown.packets[0], 500_000)
    for packet in shown.packets[:pictures]:
        segment.add(packet)
    if pictures:
        segment.finish(NOON_US + 10**9)
    return segment.recording


def test_closed_files_are_finished_in_the_background(tmp_path: Path) -> None:
    disk = WatchedDisk(_Log())
    finaliser = Finaliser(disk, lambda recording, error: None)
    finaliser.start()
    recordings = [_recording(disk, tmp_path, f"r{index}") for index in range(5)]
    for recording in recordings:
        finaliser.submit(recording)
        assert recording.closing
    assert finaliser.stop(60)
    for recording in recordings:
        assert recording.finalised
        assert not recording.empty
        assert recording.progress.size_bytes == recording.facts.absolute_path.stat().st_size
        assert numbers(recording.facts.absolute_path) == film(Recipe()).numbers


def test_a_file_without_footage_is_removed(tmp_path: Path) -> None:
    disk = WatchedDisk(_Log())
    finaliser = Finaliser(disk, lambda recording, error: None)
    finaliser.start()
    recording = _recording(disk, tmp_path, pictures=0)
    finaliser.submit(recording)
    assert finaliser.stop(60)
    assert (recording.finalised, recording.empty) == (True, True)
    assert not recording.facts.absolute_path.exists()


@pytest.mark.parametrize("refused", ["write_at", "sync", "sync_folder", "remove"])
def test_what_a_full_disk_does_not_let_finish_is_tried_again(tmp_path: Path, refused: str) -> None:
    refusal, failures = Refusal(refused), list[OSError]()
    disk = WatchedDisk(refusal)
    finaliser = Finaliser(disk, lambda recording, error: failures.append(error), retry_s=0.01)
    recording = _recording(disk, tmp_path, pictures=0 if refused == "remove" else 60)
    refusal.active = True
    finaliser.start()
    finaliser.submit(recording)
    until(lambda: len(failures) >= 3)
    assert not recording.finalised
    if refused != "remove":
        assert numbers(recording.facts.absolute_path) == film(Recipe()).numbers
    refusal.active = False
    until(lambda: recording.finalised)
    assert finaliser.stop(60)
    if refused != "remove":
        assert numbers(recording.facts.absolute_path) == film(Recipe()).numbers
        assert recording.progress.size_bytes == recording.facts.absolute_path.stat().st_size


def test_what_failed_is_tried_again_although_other_files_keep_coming(tmp_path: Path) -> None:
    log = _Log()
    disk = WatchedDisk(log)
    finaliser = Finaliser(disk, lambda recording, error: None, retry_s=0.05)
    failing = _recording(disk, tmp_path, "failing")
    failing.facts.storage.adopt()
    log.refused["sync", failing.facts.absolute_path] = 1
    finaliser.start()
    finaliser.submit(failing)
    for index in range(1000):
        later = _recording(disk, tmp_path, f"later{index}", pictures=0)
        finaliser.submit(later)
        until(lambda later=later: later.finalised)  # type: ignore[misc]
        if failing.finalised:
            break
    assert failing.finalised
    assert finaliser.stop(60)


def test_one_file_that_cannot_be_finished_does_not_keep_the_others_open(tmp_path: Path) -> None:
    disk = WatchedDisk(_Log())
    finaliser = Finaliser(disk, lambda recording, error: None)
    broken, good = _recording(disk, tmp_path, "broken"), _recording(disk, tmp_path, "good")
    broken.segment.table.tracks.clear()
    finaliser.start()
    finaliser.submit(broken)
    finaliser.submit(good)
    assert finaliser.stop(60)
    assert (broken.finalised, good.finalised) == (False, True)


def test_stopping_does_not_wait_for_a_disk_that_hangs(tmp_path: Path) -> None:
    stall = Stall()
    disk = WatchedDisk(stall)
    finaliser = Finaliser(disk, lambda recording, error: None)
    recording = _recording(disk, tmp_path)
    stall.begin()
    finaliser.start()
    finaliser.submit(recording)
    assert stall.reached.wait(60)
    assert not finaliser.stop(0.01)
    stall.end()
    assert finaliser.stop(60)
    assert recording.finalised


def test_what_was_closed_before_it_was_synced_survives_by_name_too(tmp_path: Path) -> None:
    log = _Log()
    disk = WatchedDisk(log)
    finaliser = Finaliser(disk, lambda recording, error: None)
    finaliser.start()
    recording = _recording(disk, tmp_path)
    finaliser.submit(recording)
    assert finaliser.stop(60)
    folder = recording.facts.absolute_path.parent
    assert set(log.named("sync_folder")) == {folder, folder.parent, folder.parent.parent, tmp_path}


def _syncer(disk: WatchedDisk, *recordings: OpenRecording, interval_s: float = 2) -> Syncer:
    opened = OpenRecordings()
    for recording in recordings:
        opened.add(recording)
    return Syncer(disk, opened, interval_s)


def test_open_files_are_synced_with_their_names_and_only_when_they_grew(tmp_path: Path) -> None:
    log = _Log()
    disk = WatchedDisk(log)
    recording = _recording(disk, tmp_path)
    path = recording.facts.absolute_path
    syncer = _syncer(disk, recording)
    syncer.sync_all()
    assert log.named("sync") == [path]
    assert set(log.named("sync_folder")) == {path.parent, path.parent.parent, path.parent.parent.parent, tmp_path}
    assert recording.synced_bytes == recording.segment.length
    done = len(log.done)
    syncer.sync_all()
    assert len(log.done) == done
    another = _recording(disk, tmp_path, "b")
    syncer = _syncer(disk, recording, another)
    recording.closing = True
    syncer.sync_all()
    assert log.named("sync")[1:] == [another.facts.absolute_path]


@pytest.mark.parametrize("what", ["sync", "sync_folder"])
@pytest.mark.parametrize("level", range(4))
def test_what_could_not_be_synced_is_not_said_to_be(tmp_path: Path, what: str, level: int) -> None:
    log = _Log()
    disk = WatchedDisk(log)
    recording = _recording(disk, tmp_path)
    path = recording.facts.absolute_path
    place = path if what == "sync" else [path.parent, path.parent.parent, path.parent.parent.parent, tmp_path][level]
    log.refused[what, place] = 1
    syncer = _syncer(disk, recording)
    syncer.sync_all()
    assert syncer.failures == 1
    assert recording.synced_bytes == 0
    log.done.clear()
    syncer.sync_all()
    assert syncer.failures == 1
    assert recording.synced_bytes == recording.segment.length
    assert log.named("sync") == [path]
    assert what == "sync" or place in log.named("sync_folder")


def test_one_file_that_cannot_be_synced_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    log = _Log()
    disk = WatchedDisk(log)
    first, second = _recording(disk, tmp_path, "a"), _recording(disk, tmp_path, "b")
    log.refused["sync", first.facts.absolute_path] = 1
    _syncer(disk, first, second).sync_all()
    assert (first.synced_bytes, second.synced_bytes) == (0, second.segment.length)


def test_the_syncer_works_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    disk = WatchedDisk(_Log())
    recording = _recording(disk, tmp_path)
    syncer = _syncer(disk, recording, interval_s=0.01)
    syncer.start()
    until(lambda: recording.synced_bytes > 0)
    assert syncer.stop(60)


def test_no_interval_leaves_it_to_the_system(tmp_path: Path) -> None:
    log = _Log()
    disk = WatchedDisk(log)
    syncer = _syncer(disk, _recording(disk, tmp_path), interval_s=0)
    syncer.start()
    assert syncer.stop(60)
    assert log.named("sync") == []
