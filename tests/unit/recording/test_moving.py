"""A storage that goes away in the midst of recording: it goes on elsewhere, and nothing is missing in between."""

import errno
from pathlib import Path

import pytest

from lightnvr.media.packets import MediaPacket
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.storage import Storage
from lightnvr.recording.unwritten import Unwritten
from tests.rig.disks import Refusal, WatchedDisk
from tests.rig.film import Recipe, film
from tests.rig.playing import play
from tests.rig.studio import Studio
from tests.rig.waiting import until


class _Failing(Refusal):
    """Refuses what is below one folder."""

    def __init__(self, root: Path, error: int) -> None:
        super().__init__("write_at", "create", "sync", error=error)
        self._root = root

    def __call__(self, what: str, path: Path) -> None:
        """See Refusal."""
        if path.is_relative_to(self._root):
            super().__call__(what, path)


def _numbers(recording: OpenRecording) -> list[int | None]:
    return play(recording.facts.absolute_path).numbers


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS, errno.ENODEV])
@pytest.mark.parametrize("recipe", [Recipe(seconds=12, audio=True), Recipe(seconds=12, gop=30, b_frames=2)])
def test_a_disk_that_fails_costs_nothing_and_is_used_again_when_it_is_back(
    tmp_path: Path, recipe: Recipe, error: int
) -> None:
    shown = film(recipe)
    failing = _Failing(tmp_path / "main", error)
    third = len(shown.packets) // 3
    with Studio(tmp_path / "main", WatchedDisk(failing), spare=tmp_path / "spare") as studio:
        led = studio.led(segment_s=60)
        led.feed(shown.items[:third])
        failing.active = True
        led.feed(shown.items[third : 2 * third])
        assert [recording.facts.storage.name for recording in studio.recordings] == ["main", "spare"]
        assert (led.recorder.recording, led.recorder.error) == (True, "")
        assert "/main cannot be written" in studio.storages.problems()[0]
        assert "recorded to" in studio.storages.problems()[0]
        failing.active = False
        studio.storages.look()
        studio.storages.look()
        assert studio.storages.problems() == ()
        led.feed(shown.items[2 * third :])
        led.stop()
        first, second, last = studio.recordings
        assert [each.facts.storage.name for each in (first, second, last)] == ["main", "spare", "main"]
        shown_first, shown_second, shown_last = map(_numbers, (first, second, last))
        assert None not in shown_first
        # What the failing disk took of the last group of pictures is on both.
        begins, ends = shown_second[0], shown_first[-1]
        assert begins is not None
        assert ends is not None
        assert begins <= ends + 1 <= begins + 2 * recipe.gop
        assert shown_first[:begins] + shown_second + shown_last == shown.numbers
        for before, after in ((first, second), (second, last)):
            assert before.facts.start_us <= before.progress.end_us <= after.facts.start_us
        assert second.progress.end_us == last.facts.start_us
        assert led.recorder.mux_failures == 0


def test_a_full_disk_is_not_left_because_room_is_made_on_it(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=4))
    failing = _Failing(tmp_path / "main", errno.ENOSPC)
    half = len(shown.packets) // 2
    with Studio(tmp_path / "main", WatchedDisk(failing), spare=tmp_path / "spare") as studio:
        led = studio.led(segment_s=60)
        led.feed(shown.items[:half])
        failing.active = True
        led.feed(shown.items[half:-10])
        assert "Nothing can be written" in led.recorder.error
        failing.active = False
        studio.time.pass_s(1)
        led.feed(shown.items[-10:])
        led.stop()
        (recording,) = studio.recordings
        assert _numbers(recording) == shown.numbers


def test_a_storage_that_is_not_there_at_the_beginning_is_passed_over(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=2))
    with Studio(tmp_path / "main", spare=tmp_path / "spare") as studio:
        next((tmp_path / "main").iterdir()).unlink()
        led = studio.led(segment_s=60)
        led.feed(shown.items)
        led.stop()
        (recording,) = studio.recordings
        assert recording.facts.storage.name == "spare"
        assert _numbers(recording) == shown.numbers
    assert list((tmp_path / "main").iterdir()) == []


def test_another_disk_in_its_place_is_not_taken_for_a_storage(tmp_path: Path) -> None:
    Storage(2, "archive", tmp_path).adopt()
    main = Storage(1, "main", tmp_path)
    with pytest.raises(OSError, match="is the storage archive, not main"):
        main.check()
    (tmp_path / ".lightnvr-storage").write_text("main\n")
    main.check()


def test_watching_notices_what_goes_and_what_comes_back(tmp_path: Path) -> None:
    with Studio(tmp_path / "main", spare=tmp_path / "spare") as studio:
        studio.storages.start()
        (tmp_path / "main").rename(tmp_path / "aside")
        until(lambda: bool(studio.storages.error(1)), "it goes")
        assert studio.storages.chosen("").name == "spare"
        assert not studio.storages.error(2)
        (tmp_path / "aside").rename(tmp_path / "main")
        until(lambda: studio.storages.chosen("").name == "main", "it comes back")
        studio.time.pass_s(3600)
        until(lambda: not studio.storages.error(1), "it answers")
        studio.storages.stop(10)


def test_no_more_than_is_needed_is_kept_to_be_recorded_again() -> None:
    packets = film(Recipe(seconds=4, gop=15)).video_packets

    def added(unwritten: Unwritten, some: list[MediaPacket]) -> None:
        for packet in some:
            unwritten.add(packet, is_cut=packet.is_keyframe)

    unwritten = Unwritten()
    added(unwritten, packets[3:15])
    assert unwritten.take() == []
    added(unwritten, packets[:40])
    unwritten.written()
    assert unwritten.take() == packets[30:40]
    assert unwritten.take() == []
    large = [packet._replace(size=1 << 20) for packet in packets[:18]]
    added(unwritten, large[:15])
    assert len(unwritten.take()) == 15
    added(unwritten, [packet._replace(size=1 << 21) for packet in packets[:15]])
    assert unwritten.take() == []
