"""A segment's file: fragmented while open, ordinary when closed, and the same footage in both."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from lightnvr.recording.disk import OsDisk, OsFile
from lightnvr.recording.fragment_index import FragmentIndex
from lightnvr.recording.segment import Segment
from tests.rig.disks import MemoryDisk, Refusal, WatchedDisk
from tests.rig.film import Recipe, film
from tests.rig.playing import ffprobe, frame_digests, gstreamer, numbers, packets, play
from tests.rig.segments import closed_file, facts, open_file, write

_RECIPES = [
    Recipe(),
    Recipe(audio=True),
    Recipe(b_frames=2, audio=True),
    Recipe(encoder="libx265", audio=True),
    Recipe(encoder="libx265", b_frames=3),
]


@pytest.mark.parametrize("recipe", _RECIPES)
def test_players_read_it_open_and_closed(tmp_path: Path, recipe: Recipe) -> None:
    for name, content in (("open.mp4", open_file(recipe)), ("closed.mp4", closed_file(recipe))):
        path = tmp_path / name
        path.write_bytes(content)
        duration, codecs = ffprobe(path)
        assert duration == pytest.approx(4, abs=0.35)
        assert codecs == ["hevc" if recipe.encoder == "libx265" else "h264", *(["aac"] if recipe.audio else [])]
        assert numbers(path) == film(recipe).numbers
        gstreamer(path)


@pytest.mark.parametrize("recipe", _RECIPES)
def test_closing_changes_no_packet_and_no_time(tmp_path: Path, recipe: Recipe) -> None:
    opened, closed = tmp_path / "open.mp4", tmp_path / "closed.mp4"
    opened.write_bytes(open_file(recipe))
    closed.write_bytes(closed_file(recipe))
    assert packets(opened) == packets(closed)
    assert play(opened) == play(closed)
    assert frame_digests(opened) == frame_digests(closed)


@pytest.mark.parametrize("recipe", _RECIPES)
def test_what_is_in_the_file_is_what_the_camera_sent(recipe: Recipe) -> None:
    shown = film(recipe)
    found = [packet for packet in packets(closed_file(recipe)) if packet.stream == 0]
    sent = shown.video_packets
    assert [packet.keyframe for packet in found] == [packet.is_keyframe for packet in sent]
    origin = sent[0].dts
    assert [p.dts_us for p in found] == [pytest.approx((p.dts - origin) / 0.09, abs=1) for p in sent]
    assert [p.pts_us for p in found] == [pytest.approx((p.pts - origin) / 0.09, abs=1) for p in sent]


def test_a_closed_file_is_seekable() -> None:
    import io

    with av.open(io.BytesIO(closed_file(Recipe(audio=True))), "r") as container:
        video = container.streams.video[0]
        assert video.frames == 60
        assert video.duration is not None
        assert float(video.duration * (video.time_base or 0)) == pytest.approx(4, abs=0.01)
        container.seek(int(2.5 / float(video.time_base or 1)), stream=video, backward=True)
        assert next(packet for packet in container.demux(video)).pts == 180_000
    assert closed_file(Recipe()).count(b"mvex") == 0 or b"moov" in closed_file(Recipe())


@pytest.mark.parametrize("recipe", _RECIPES)
def test_a_range_of_fragments_is_the_same_bytes_before_and_after_and_plays(recipe: Recipe) -> None:
    written = write(recipe)
    before = written.open_content
    segment = written.segment.recording.segment
    fragments = list(FragmentIndex.unpack(segment.index.pack()))
    assert segment.finalise() == len(written.file.content)
    after = bytes(written.file.content)
    keyframes = [index for index, fragment in enumerate(fragments) if fragment.keyframe]
    assert len(keyframes) == 4
    shown = 0
    for first, last in zip(keyframes, [*keyframes[1:], len(fragments)], strict=True):
        begin, end = fragments[first].offset, fragments[last - 1].offset + fragments[last - 1].size
        assert before[begin:end] == after[begin:end]
        played = play(segment.init.content + after[begin:end])
        assert played.numbers == list(range(shown, shown + 15))
        assert fragments[first].start_us == pytest.approx(shown / 15 * 1e6, abs=1)
        shown += 15


@pytest.mark.parametrize("delay", [0.3, 1.5])
def test_sound_that_begins_late_stays_late_in_both_forms(tmp_path: Path, delay: float) -> None:
    shown = film(Recipe(audio=True))
    begins = shown.video_packets[0].time + delay
    chosen = tuple(p for p in shown.packets if p.track.kind == "video" or p.time >= begins)
    written = write(Recipe(audio=True), chosen)
    opened, closed = tmp_path / "open.mp4", tmp_path / "closed.mp4"
    opened.write_bytes(written.open_content)
    written.segment.recording.segment.finalise()
    closed.write_bytes(bytes(written.file.content))
    for path in (opened, closed):
        assert play(path).audio_start == pytest.approx(delay, abs=0.07)
        assert play(path).times[0] == 0
    ours, theirs = packets(opened), packets(closed)
    assert [(p.stream, p.content) for p in ours] == [(p.stream, p.content) for p in theirs]
    assert [p.pts_us for p in ours] == [pytest.approx(p.pts_us, abs=65) for p in theirs]
    gstreamer(closed)


def test_a_track_without_a_sample_is_left_out_of_the_closed_file(tmp_path: Path) -> None:
    shown = film(Recipe(audio=True))
    written = write(Recipe(audio=True), tuple(shown.video_packets))
    written.segment.recording.segment.finalise()
    path = tmp_path / "closed.mp4"
    path.write_bytes(bytes(written.file.content))
    assert ffprobe(path)[1] == ["h264"]
    assert numbers(path) == shown.numbers


def test_gaps_between_pictures_are_the_same_in_both_forms() -> None:
    shown = film(Recipe(seconds=4))
    gaps = tuple(
        packet._replace(dts=packet.dts + 45_000 * (index // 20), pts=packet.pts + 45_000 * (index // 20))
        for index, packet in enumerate(shown.packets)
    )
    written = write(Recipe(seconds=4), gaps)
    before = packets(written.open_content)
    written.segment.recording.segment.finalise()
    assert packets(bytes(written.file.content)) == before


def test_a_fragment_that_was_refused_leaves_nothing_and_can_be_written_again(tmp_path: Path) -> None:
    shown, refusal = film(Recipe()), Refusal()
    about = facts(tmp_path)
    segment = Segment(WatchedDisk(refusal), about, shown.tracks, shown.packets[0], 500_000)
    size = 0
    for index, packet in enumerate(shown.packets):
        segment.add(packet)
        refusal.active = index % 10 != 9
        try:
            segment.write(about.start_us + 10**9)
        except OSError:
            assert segment.unwritten_bytes
        size = about.absolute_path.stat().st_size
        assert size == segment.recording.segment.length
        assert segment.recording.progress.size_bytes <= size
    refusal.active = True
    with pytest.raises(OSError, match="No space"):
        segment.finish(about.start_us + 10**9)
    refusal.active = False
    segment.write(about.start_us + 10**9)
    assert numbers(about.absolute_path) == shown.numbers
    assert segment.recording.progress.end_us == pytest.approx(about.start_us + 4_000_000, abs=2)


@pytest.mark.parametrize("refused", [("write_at",), ("sync",), ("truncate",)])
def test_closing_that_was_refused_leaves_a_playable_file_and_can_be_tried_again(
    tmp_path: Path, refused: tuple[str, ...]
) -> None:
    shown, refusal = film(Recipe()), Refusal(*refused)
    about = facts(tmp_path)
    segment = Segment(WatchedDisk(refusal), about, shown.tracks, shown.packets[0], 500_000)
    for packet in shown.packets:
        segment.add(packet)
    segment.finish(about.start_us + 10**9)
    refusal.active = True
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            segment.recording.segment.finalise()
        assert numbers(about.absolute_path) == shown.numbers
    refusal.active = False
    size = segment.recording.segment.finalise()
    assert size == about.absolute_path.stat().st_size
    assert numbers(about.absolute_path) == shown.numbers
    assert segment.recording.segment.finalise() == size


def test_no_file_is_left_when_not_even_its_head_can_be_written(tmp_path: Path) -> None:
    shown, refusal = film(Recipe()), Refusal()
    refusal.active = True
    about = facts(tmp_path)
    with pytest.raises(OSError, match="No space"):
        Segment(WatchedDisk(refusal), about, shown.tracks, shown.packets[0], 500_000)
    assert not about.absolute_path.exists()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    about = facts(tmp_path)
    about.absolute_path.parent.mkdir(parents=True)
    about.absolute_path.write_bytes(b"precious")
    shown = film(Recipe())
    with pytest.raises(FileExistsError):
        Segment(OsDisk(), about, shown.tracks, shown.packets[0], 500_000)
    assert about.absolute_path.read_bytes() == b"precious"


def test_a_recording_never_ends_after_the_next_begins_nor_in_the_future() -> None:
    shown, disk = film(Recipe()), MemoryDisk()
    about = facts(Path("/nowhere"))
    for now, limit, end in ((10**9, None, 4_000_000), (10**9, 3_000_000, 3_000_000), (1_000_000, None, 1_000_000)):
        disk.files.clear()
        segment = Segment(disk, about, shown.tracks, shown.packets[0], 500_000)
        segment.end_limit_us = None if limit is None else about.start_us + limit
        for packet in shown.packets:
            segment.add(packet)
        segment.finish(about.start_us + now)
        assert segment.recording.progress.end_us - about.start_us == pytest.approx(end, abs=2)


def test_files_of_the_system(tmp_path: Path) -> None:
    disk, path = OsDisk(), tmp_path / "a" / "b" / "file"
    file = disk.create(path)
    assert isinstance(file, OsFile)
    file.write_at(5, b"hello")
    file.write_at(0, b"01234")
    file.sync()
    disk.sync_folder(path.parent)
    assert (file.size(), file.read_at(3, 100)) == (10, b"34hello")
    file.truncate(7)
    file.close()
    file.close()
    with pytest.raises(FileExistsError):
        disk.create(path)
    again = disk.open(path)
    assert again.read_at(0, 100) == b"01234he"
    again.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        again.read_at(0, 1)
    disk.remove(path)
    disk.remove(path)
    with pytest.raises(FileNotFoundError):
        disk.open(path)
    assert replace(facts(tmp_path)).absolute_path.name == "recording_20250330_120000.mp4"


def test_the_table_of_contents_is_on_the_disk_before_the_file_says_that_it_is(tmp_path: Path) -> None:
    shown, done = film(Recipe()), list[str]()
    about = facts(tmp_path)
    segment = Segment(WatchedDisk(lambda what, path: done.append(what)), about, shown.tracks, shown.packets[0], 500_000)
    for packet in shown.packets:
        segment.add(packet)
    segment.finish(about.start_us + 10**9)
    done.clear()
    segment.recording.segment.finalise()
    assert done == ["write_at", "truncate", "sync", "write_at", "sync"]
