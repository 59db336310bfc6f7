"""Recording a stream: everything that arrived is in the files, once, in order, under true times."""

import errno
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from lightnvr.media.hub import Hub
from lightnvr.media.packets import MediaPacket, TracksChanged
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.scan import scan_segment
from tests.rig.disks import MemoryFile, Refusal, Stall, WatchedDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Film, Recipe, film
from tests.rig.playing import ffprobe, play
from tests.rig.sound import tone
from tests.rig.studio import LedRecorder, Studio

_HOUR_US = 3_600_000_000


def _numbers(recordings: list[OpenRecording]) -> list[int | None]:
    return [number for recording in recordings for number in play(recording.facts.absolute_path).numbers]


def _state(led: LedRecorder) -> tuple[bool, str]:
    return led.recorder.recording, led.recorder.error


def _assert_in_order(recordings: list[OpenRecording]) -> None:
    for recording in recordings:
        assert recording.facts.start_us <= recording.progress.end_us
    for before, after in pairwise(recordings):
        assert before.progress.end_us <= after.facts.start_us


@pytest.mark.parametrize("recipe", [Recipe(seconds=42, audio=True), Recipe(seconds=42, b_frames=2)])
def test_twenty_rotations_lose_and_double_nothing(tmp_path: Path, recipe: Recipe) -> None:
    shown = film(recipe)
    with Studio(tmp_path) as studio:
        hub = Hub()
        recorder = studio.recorder(hub.subscribe(limit_bytes=1 << 30, limit_s=600))
        for item in shown.items:
            if isinstance(item, MediaPacket):
                studio.time.pass_until(item.arrival_ns)
            hub.publish(item)
        recorder.stop()
        assert recorder.join(60)
        studio.wait_until_finalised()
        recordings = studio.recordings
        assert len(recordings) == 21
        assert recorder.error == ""
        assert recorder.mux_failures == 0
        assert _numbers(recordings) == shown.numbers
        assert all(before.progress.end_us == after.facts.start_us for before, after in pairwise(recordings))
        assert recordings[0].facts.start_us == NOON_US + (shown.video_packets[0].arrival_ns - 10**12) // 1000
        assert recordings[-1].progress.end_us - recordings[0].facts.start_us == pytest.approx(42e6, abs=150_000)
        for recording in recordings:
            path = recording.facts.absolute_path
            assert recording.progress.size_bytes == path.stat().st_size
            assert ffprobe(path)[0] == pytest.approx(2, abs=0.2)
        if recipe.audio:
            heard = sum(play(recording.facts.absolute_path).samples for recording in recordings)
            published = [packet for packet in shown.audio_packets if packet.time >= shown.video_packets[0].time]
            # AAC is decoded one frame late; nothing else may be missing.
            assert heard == pytest.approx(len(published) * 1024, abs=21 * 1024)


@pytest.mark.parametrize("late_s", [-0.4, 0.4, 1.2])
def test_sound_that_arrives_early_or_late_is_kept_at_every_cut(tmp_path: Path, late_s: float) -> None:
    shown = film(Recipe(seconds=12, audio=True))
    packets = [
        packet._replace(arrival_ns=packet.arrival_ns + int((1 + late_s) * 1e9))
        if packet.track.kind == "audio"
        else packet._replace(arrival_ns=packet.arrival_ns + 10**9)
        for packet in shown.packets
    ]
    packets.sort(key=lambda packet: packet.arrival_ns)
    with Studio(tmp_path) as studio:
        led = studio.led()
        led.feed([TracksChanged(shown.tracks), *packets])
        led.stop()
        recordings = studio.recordings
        assert _numbers(recordings) == shown.numbers
        samples = sum(len(recording.segment.table.tracks[2]) for recording in recordings)
        first = next(packet for packet in packets if packet.track.kind == "video")
        expected = [p for p in packets if p.track.kind == "audio" and p.time >= first.time]
        if late_s > 0:
            assert samples == len(expected)
        else:
            # Sound that is ahead of its picture at the cut has no file yet that begins so early.
            assert samples >= len(expected) - 12 // 2 * 7
        assert led.recorder.mux_failures == 0


def test_new_tracks_begin_a_new_file(tmp_path: Path) -> None:
    before, after = film(Recipe(seconds=3)), film(Recipe(seconds=3, width=320, height=240, first=45)).after(3)
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        led.feed([*before.items, *after.items])
        led.stop()
        first, second = studio.recordings
        assert (first.facts.width, second.facts.width) == (160, 320)
        assert play(first.facts.absolute_path).numbers == before.numbers
        assert play(second.facts.absolute_path).numbers == after.numbers
        assert second.facts.start_us - first.progress.end_us == pytest.approx(0, abs=2)


def test_a_camera_that_comes_back_leaves_a_gap_of_its_true_length(tmp_path: Path) -> None:
    before, after = film(Recipe(seconds=3)), film(Recipe(seconds=3, first=45)).after(30)
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        led.feed([*before.items, *after.items])
        led.stop()
        first, second = studio.recordings
        assert first.progress.end_us == NOON_US + 3_000_000
        assert second.facts.start_us == NOON_US + 30_000_000
        assert _numbers([first, second]) == before.numbers + after.numbers


def test_the_segment_duration_changes_in_mid_recording(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=8))
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        led.feed(shown.items[:61])
        led.recorder.settings = replace(led.recorder.settings, segment_duration_s=1)
        led.feed(shown.items[61:])
        led.stop()
        assert [len(play(r.facts.absolute_path).numbers) for r in studio.recordings] == [60, 15, 15, 15, 15]


def test_a_picture_is_on_the_disk_long_before_the_next_one_when_these_are_rare(tmp_path: Path) -> None:
    shown, at_s = film(Recipe(seconds=4)), [0, 5, 10, 30, 31]
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        led.feed([TracksChanged(shown.tracks)])
        for count, (packet, seconds) in enumerate(zip(shown.video_packets, at_s, strict=False), 1):
            dts = round(seconds / shown.video.time_base)
            arrival_ns = shown.packets[0].arrival_ns + seconds * 10**9
            led.feed([packet._replace(dts=dts, pts=dts, duration=0, arrival_ns=arrival_ns)])
            studio.time.pass_until(arrival_ns + 900_000_000)
            led.subscription.turn()
            (recording,) = studio.recordings
            # What a crash at this moment leaves is whole, although nobody knows yet how long the picture lasts.
            left = MemoryFile(recording.facts.absolute_path.read_bytes())
            assert scan_segment(left).lost_bytes == 0
            assert play(recording.facts.absolute_path).numbers == shown.numbers[:count]
        led.stop()
        (recording,) = studio.recordings
        played = play(recording.facts.absolute_path)
        assert played.numbers == shown.numbers[:5]
        assert played.times == pytest.approx(at_s, abs=0.01)
        assert [fragment.start_us for fragment in recording.segment.index] == [second * 10**6 for second in at_s]


def test_nothing_is_recorded_before_a_keyframe(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=3))
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        led.feed([TracksChanged(shown.tracks), *shown.packets[7:]])
        assert led.recorder.recording
        led.stop()
        assert _numbers(studio.recordings) == shown.numbers[15:]


def test_what_arrived_is_on_disk_within_a_fragment_and_a_turn(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=6, audio=True))
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        for index in range(1, len(shown.items), 10):
            led.feed(shown.items[index - 1 : index + 9] if index > 1 else shown.items[:10])
            seen = [p for p in shown.items[: index + 9] if isinstance(p, MediaPacket) and p.track.kind == "video"]
            written = sum(len(recording.segment.table.tracks[1]) for recording in studio.recordings)
            assert len(seen) - written <= 15 * 0.5 + 6
        led.stop()


def test_two_recordings_in_one_second_get_two_files(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=2, gop=3))
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=0.2)
        led.feed(shown.items)
        led.stop()
        paths = {recording.facts.path for recording in studio.recordings}
        assert len(paths) == 10
        assert _numbers(studio.recordings) == shown.numbers


def test_a_disk_that_stalls_for_ten_seconds_loses_nothing(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=42, audio=True))
    stall = Stall()
    with Studio(tmp_path, WatchedDisk(stall)) as studio:
        led = studio.led(segment_s=4)
        stalled, released = (
            next(i for i, p in enumerate(shown.packets) if p.arrival_ns > (1000 + s) * 1e9) for s in (10, 24)
        )
        led.feed([TracksChanged(shown.tracks), *shown.packets[:stalled]])
        stall.begin()
        led.subscription.begin_turn()
        for packet in shown.packets[stalled:released]:
            studio.time.pass_until(packet.arrival_ns)
            led.subscription.offer(packet)
        stall.end()
        led.subscription.end_turn()
        led.feed(shown.packets[released:])
        led.stop()
        assert led.subscription.dropped == 0
        assert _numbers(studio.recordings) == shown.numbers
        assert led.recorder.error == ""
        _assert_in_order(studio.recordings)


@pytest.mark.parametrize("refused", [("write_at",), ("write_at", "create"), ("create",)])
def test_a_disk_that_refuses_says_so_and_goes_on_by_itself(tmp_path: Path, refused: tuple[str, ...]) -> None:
    shown = film(Recipe(seconds=42))
    refusal = Refusal(*refused)
    with Studio(tmp_path, WatchedDisk(refusal)) as studio:
        led = studio.led(segment_s=4)
        led.feed(shown.items[: 5 * 15])
        whole = [play(r.facts.absolute_path).numbers for r in studio.recordings if r.finalised]
        refusal.active = True
        led.feed(shown.items[5 * 15 : 25 * 15])
        assert _state(led) == (False, f"Nothing can be written to {tmp_path}: No space left on device.")
        refusal.active = False
        led.feed(shown.items[25 * 15 :])
        assert _state(led) == (True, "")
        led.stop()
        recordings = [recording for recording in studio.recordings if not recording.empty]
        numbers = _numbers(recordings)
        assert numbers == sorted(set(numbers), key=lambda n: n or 0)
        assert set(range(4 * 15)) <= set(numbers)
        assert set(range(31 * 15, 42 * 15)) <= set(numbers)
        assert [play(r.facts.absolute_path).numbers for r in recordings[: len(whole)]] == whole
        for recording in recordings:
            ffprobe(recording.facts.absolute_path)
        assert all(not r.facts.absolute_path.exists() for r in studio.recordings if r.empty)
        _assert_in_order(recordings)


def test_a_disk_that_refuses_for_a_moment_loses_nothing(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=12, audio=True))
    refusal = Refusal(error=errno.EIO)
    with Studio(tmp_path, WatchedDisk(refusal)) as studio:
        led = studio.led(segment_s=60)
        led.feed(shown.items[:60])
        refusal.active = True
        led.feed(shown.items[60:200])
        assert "Nothing can be written" in led.recorder.error
        refusal.active = False
        led.feed(shown.items[200:])
        assert led.recorder.error == ""
        led.stop()
        assert refusal.refusals
        assert _numbers(studio.recordings) == shown.numbers


def test_memory_is_bounded_while_a_disk_refuses(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=42))
    refusal = Refusal("write_at", "create")
    with Studio(tmp_path, WatchedDisk(refusal)) as studio:
        led = studio.led(segment_s=900)
        led.feed(shown.items[:40])
        refusal.active = True
        led.feed(shown.items[40:])
        assert all(recording.closing for recording in studio.recordings)
        assert not led.recorder.recording
        refusal.active = False
        led.stop()


def test_a_storage_that_is_not_mounted_is_left_alone(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=8))
    with Studio(tmp_path / "disk") as studio:
        marker = next(path for path in (tmp_path / "disk").iterdir() if path.is_file())
        marker.rename(tmp_path / "marker")
        led = studio.led(segment_s=60)
        led.feed(shown.items[:60])
        assert "mount its disk" in led.recorder.error
        assert led.recorder.error.startswith(f"Nothing can be written to {tmp_path / 'disk'}: ")
        assert list((tmp_path / "disk").iterdir()) == []
        (tmp_path / "marker").rename(marker)
        led.feed(shown.items[60:])
        assert led.recorder.error == ""
        led.stop()
        numbers = _numbers(studio.recordings)
        assert numbers in (shown.numbers[60:], shown.numbers[75:], shown.numbers[90:])


def test_sound_that_is_refused_never_costs_the_pictures(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=12, audio=True))
    damaged = [
        packet._replace(dts=1000 + index % 2, pts=1000 + index % 2)
        if packet.track.kind == "audio" and index > 40
        else packet
        for index, packet in enumerate(shown.packets)
    ]
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=3)
        led.feed([TracksChanged(shown.tracks), *damaged])
        led.stop()
        assert _numbers(studio.recordings) == shown.numbers
        assert led.recorder.error == ""


def test_a_track_of_sound_that_mp4_cannot_hold_is_left_out(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=4))
    with tone("pcm_mulaw") as (stream, _), Studio(tmp_path) as studio:
        heard = film(Recipe(seconds=4, audio=True)).tracks[1]
        foreign = replace(heard, index=9, codec="pcm_mulaw", template=stream, extradata=b"")
        led = studio.led()
        led.feed([TracksChanged((shown.video, foreign)), *shown.packets])
        led.stop()
        assert _numbers(studio.recordings) == shown.numbers
        assert led.recorder.error == ""


def test_pictures_that_are_refused_end_the_file_and_the_next_keyframe_begins_another(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=4))
    packets = list(shown.packets)
    packets[20] = packets[20]._replace(dts=0, pts=0)
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=60)
        led.feed([TracksChanged(shown.tracks), *packets])
        led.stop()
        assert led.recorder.mux_failures == 1
        assert _numbers(studio.recordings) == [*range(20), *range(30, 60)]


@pytest.mark.parametrize("jump_s", [3600, -3600, 86_400 * 30, -86_400 * 30, 0.4, -0.4])
def test_a_system_clock_that_is_set_neither_loses_nor_overlaps_nor_misorders(tmp_path: Path, jump_s: float) -> None:
    shown = film(Recipe(seconds=42, audio=True))
    half = len(shown.items) // 2
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=4)
        led.feed(shown.items[:half])
        studio.time.set_system(jump_s)
        led.feed(shown.items[half:])
        led.stop()
        by_file = sorted(studio.open_recordings, key=lambda r: play(r.facts.absolute_path).numbers[0] or 0)
        assert _numbers(by_file) == shown.numbers
        if jump_s > -86_400:
            _assert_in_order(by_file)
        last_us = by_file[-1].progress.end_us - NOON_US
        true_us = 42_000_000 + (int(jump_s * 1e6) if jump_s > 1 or jump_s < -86_400 else 0)
        assert last_us == pytest.approx(true_us, abs=42e6 * 0.05)
        assert all(recording.progress.end_us > recording.facts.start_us for recording in by_file)


def test_a_camera_whose_clock_runs_fast_does_not_record_into_the_future(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=42))
    slow = [p._replace(arrival_ns=10**12 + (p.arrival_ns - 10**12) * 9 // 10) for p in shown.packets]
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=4)
        led.feed([TracksChanged(shown.tracks), *slow])
        led.stop()
        assert _numbers(studio.recordings) == shown.numbers
        _assert_in_order(studio.recordings)
        assert studio.recordings[-1].progress.end_us <= NOON_US + 42_000_000


def test_a_flood_does_not_record_into_the_future(tmp_path: Path) -> None:
    shown = film(Recipe(seconds=42))
    flood = [p._replace(arrival_ns=10**12 + index * 1000) for index, p in enumerate(shown.packets)]
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=4)
        led.feed([TracksChanged(shown.tracks), *flood])
        led.stop()
        assert _numbers(studio.recordings) == shown.numbers
        _assert_in_order(studio.recordings)
        assert studio.recordings[-1].progress.end_us <= NOON_US + 1_000_000


def test_a_camera_that_reconnects_with_a_backlog_does_not_overlap(tmp_path: Path) -> None:
    before = film(Recipe(seconds=6))
    after = film(Recipe(seconds=6, first=90)).after(5.5)
    with Studio(tmp_path) as studio:
        led = studio.led(segment_s=2)
        led.feed([*before.items, *after.items])
        led.stop()
        _assert_in_order(studio.recordings)
        assert _numbers(studio.recordings) == before.numbers + after.numbers


def test_films_of_several_cameras_do_not_mix(tmp_path: Path) -> None:
    films: list[Film] = [film(Recipe(seconds=6, first=1000 * index)) for index in range(4)]
    with Studio(tmp_path) as studio:
        led = [studio.led(stream=f"camera_{index}") for index in range(4)]
        for recorder, shown in zip(led, films, strict=True):
            recorder.feed(shown.items)
        for recorder in led:
            recorder.stop()
        for index, shown in enumerate(films):
            mine = [r for r in studio.recordings if r.facts.stream_name == f"camera_{index}"]
            assert _numbers(mine) == shown.numbers
