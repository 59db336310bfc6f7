"""What of an interrupted file is whole, and what becomes of it."""

import io
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightnvr.recording.fragment_index import FragmentIndex
from lightnvr.recording.recovery import Repaired, RepairPostponed, repair
from lightnvr.recording.scan import NotOurRecording, scan_segment
from tests.rig.disks import MemoryDisk, MemoryFile, Refusal, WatchedDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe
from tests.rig.playing import numbers
from tests.rig.segments import Written, closed_file, open_file, write

_PATH = Path("/nowhere/recording_20250330_120000.mp4")
_RECIPE = Recipe(seconds=3, audio=True)
_WRITTEN = write(_RECIPE)
_OPEN = _WRITTEN.open_content
_FRAGMENTS = list(_WRITTEN.segment.recording.segment.index)
_HEAD = _FRAGMENTS[0].offset
_ALL = len(_OPEN)


def _repaired(content: bytes, trusted_bytes: int = _ALL) -> tuple[Repaired, bytes | None]:
    disk = MemoryDisk({_PATH: MemoryFile(content)})
    result = repair(disk, _PATH, NOON_US, trusted_bytes)
    file = disk.files.get(_PATH)
    return result, None if file is None else bytes(file.content)


def _assert_true(result: Repaired, content: bytes, pictures: int, written: Written = _WRITTEN) -> None:
    """A repaired file is an ordinary MP4 that holds so many pictures, and what is said of it is true."""
    assert result.damaged == ""
    assert not result.empty
    assert result.size_bytes == len(content)
    assert numbers(content) == list(range(pictures))
    scanned = scan_segment(MemoryFile(content))
    assert scanned.finalised
    assert scanned.lost_bytes == 0
    assert list(FragmentIndex.unpack(result.fragments)) == list(scanned.segment.index)
    assert result.end_us == NOON_US + scanned.segment.media_end_us
    with av.open(io.BytesIO(content), "r") as container:
        assert container.streams.video[0].frames == pictures


def _assert_mended(content: bytes, whole_bytes: int, trusted_bytes: int = _ALL) -> None:
    result, mended = _repaired(content, trusted_bytes)
    pictures = _WRITTEN.shown_before(whole_bytes)
    if not any(fragment.offset + fragment.size <= whole_bytes for fragment in _FRAGMENTS):
        assert mended is None or mended == content
        assert result.empty or result.damaged
        return
    assert mended is not None
    assert mended[_HEAD : _HEAD + 50] == content[_HEAD : _HEAD + 50]
    _assert_true(result, mended, pictures)


@settings(max_examples=300)
@given(st.integers(0, _ALL) | st.sampled_from([f.offset + n for f in _FRAGMENTS for n in (-1, 0, 1, 7, 8, 16)]))
def test_a_file_that_is_cut_anywhere_keeps_every_whole_fragment(cut: int) -> None:
    _assert_mended(_OPEN[:cut], cut)


@pytest.mark.parametrize("recipe", [Recipe(seconds=3, b_frames=2), Recipe(seconds=3, encoder="libx265", audio=True)])
def test_other_codecs_are_mended_too(recipe: Recipe) -> None:
    written = write(recipe)
    content = written.open_content
    for fragment in written.segment.recording.segment.index:
        cut = fragment.offset + fragment.size
        result, mended = _repaired(content[: cut + 100])
        assert mended is not None
        found = [number for number in numbers(mended) if number is not None]
        # With B-frames the last pictures may be shown after one that is lost.
        assert len(found) == written.shown_before(cut + 100)
        assert result.size_bytes == len(mended)


@given(st.data())
def test_garbage_behind_the_last_whole_fragment_is_cut_off(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(_FRAGMENTS))
    end = whole.offset + whole.size
    torn = _OPEN[end : end + data.draw(st.integers(0, 60))] if data.draw(st.booleans()) else b""
    garbage = data.draw(st.binary(max_size=3000)) if len(torn) < 8 else b""
    _assert_mended(_OPEN[:end] + torn + garbage, end)


@given(st.integers(0, len(_FRAGMENTS) - 1), st.integers(1, 5000))
def test_zeros_behind_the_last_whole_fragment_are_cut_off(last: int, zeros: int) -> None:
    end = _FRAGMENTS[last].offset + _FRAGMENTS[last].size
    _assert_mended(_OPEN[:end] + bytes(zeros), end)


@settings(max_examples=300)
@given(st.data())
def test_sectors_that_never_reached_the_disk_end_the_footage_there(data: st.DataObject) -> None:
    sector = data.draw(st.sampled_from((512, 4096)))
    trusted = data.draw(st.sampled_from([0, *(f.offset + f.size for f in _FRAGMENTS)]))
    count = -(-_ALL // sector)
    lost = data.draw(st.sets(st.integers(trusted // sector + 1, count), min_size=1, max_size=6))
    content = bytearray(_OPEN)
    for number in lost:
        first, end = number * sector, min(_ALL, (number + 1) * sector)
        content[first:end] = bytes(max(0, end - first))
    first_lost = min(min(lost) * sector, _ALL)
    _assert_mended(bytes(content), first_lost, trusted)


@given(st.data())
def test_a_file_that_was_stopped_at_any_write_of_closing_keeps_everything(data: st.DataObject) -> None:
    written = write(_RECIPE)
    begun = len(written.file.log)
    written.segment.recording.segment.finalise()
    step = data.draw(st.integers(begun, len(written.file.log)))
    operation = written.file.log[step] if step < len(written.file.log) else 0
    # Sixteen bytes within a sector are written all or not at all.
    partly = (
        data.draw(st.integers(0, len(operation[1]))) if isinstance(operation, tuple) and len(operation[1]) > 16 else 0
    )
    content = written.file.content_after(step, partly)
    result, mended = _repaired(content)
    assert mended is not None
    _assert_true(result, mended, 45)


@given(st.data())
def test_mending_that_was_stopped_is_mended_again(data: st.DataObject) -> None:
    cut = data.draw(st.integers(_FRAGMENTS[0].offset + _FRAGMENTS[0].size, _ALL))
    file = MemoryFile(_OPEN[:cut])
    repair(MemoryDisk({_PATH: file}), _PATH, NOON_US, _ALL)
    step = data.draw(st.integers(0, len(file.log)))
    operation = file.log[step] if step < len(file.log) else 0
    partly = (
        data.draw(st.integers(0, len(operation[1]))) if isinstance(operation, tuple) and len(operation[1]) > 16 else 0
    )
    again = MemoryFile(_OPEN[:cut])
    for done in file.log[:step]:
        again.truncate(done) if isinstance(done, int) else again.write_at(*done)
    if partly and isinstance(operation, tuple):
        again.write_at(operation[0], operation[1][:partly])
    _assert_mended(bytes(again.content), cut)


def test_a_whole_file_is_only_closed() -> None:
    _assert_mended(_OPEN, _ALL)
    _, mended = _repaired(_OPEN)
    assert mended == closed_file(_RECIPE)


def test_a_closed_file_is_not_touched() -> None:
    content = closed_file(_RECIPE)
    disk = MemoryDisk({_PATH: MemoryFile(content)})
    result = repair(disk, _PATH, NOON_US, 0)
    assert disk.files[_PATH].log == []
    _assert_true(result, content, 45)


def test_an_empty_file_and_a_file_without_footage_are_removed() -> None:
    for content in (b"", _OPEN[:_HEAD], _OPEN[: _HEAD + 100]):
        result, mended = _repaired(content)
        assert result.empty
        assert mended is None


def test_a_file_that_is_gone_is_said_to_be_missing() -> None:
    result = repair(MemoryDisk(), _PATH, NOON_US, 0)
    assert result == Repaired(NOON_US, 0, b"", damaged="The file is missing.")


def _foreign(path: Path, movflags: str) -> bytes:
    source = av.open(io.BytesIO(closed_file(_RECIPE)), "r")
    with source, av.open(str(path), "w", format="mp4", options={"movflags": movflags} if movflags else {}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return path.read_bytes()


def _assert_left_alone(content: bytes) -> None:
    disk = MemoryDisk({_PATH: MemoryFile(content)})
    result = repair(disk, _PATH, NOON_US, 0)
    assert bytes(disk.files[_PATH].content) == content
    assert disk.files[_PATH].log == []
    assert "damaged" in result.damaged
    with pytest.raises(NotOurRecording):
        scan_segment(MemoryFile(content))


@pytest.mark.parametrize("movflags", ["", "faststart", "frag_keyframe+empty_moov", "hybrid_fragmented"])
def test_what_others_wrote_is_never_changed(tmp_path: Path, movflags: str) -> None:
    _assert_left_alone(_foreign(tmp_path / "foreign.mp4", movflags))


@pytest.mark.parametrize("content", [b"not a film at all" * 1000, bytes(100_000), b"x"])
def test_what_is_no_film_is_never_changed(content: bytes) -> None:
    _assert_left_alone(content)


@given(st.binary(max_size=400), st.integers(0, _HEAD + 400))
def test_any_beginning_is_read_or_refused(noise: bytes, at: int) -> None:
    content = bytearray(_OPEN)
    content[at : at + len(noise)] = noise
    disk = MemoryDisk({_PATH: MemoryFile(bytes(content))})
    result = repair(disk, _PATH, NOON_US, 0)
    assert result.empty or result.damaged or result.size_bytes == disk.files[_PATH].size()


@pytest.mark.parametrize("refused", ["open", "write_at", "sync"])
def test_a_disk_that_refuses_postpones_the_mending(refused: str) -> None:
    refusal = Refusal(refused)
    refusal.active = True
    memory = MemoryDisk({_PATH: MemoryFile(_OPEN[:-10])})
    with pytest.raises(RepairPostponed, match="No space"):
        repair(WatchedDisk(refusal, memory), _PATH, NOON_US, _ALL)
    refusal.active = False
    result = repair(WatchedDisk(refusal, memory), _PATH, NOON_US, _ALL)
    _assert_true(result, bytes(memory.files[_PATH].content), _WRITTEN.shown_before(_ALL - 10))


def test_what_is_lost_is_counted() -> None:
    scanned = scan_segment(MemoryFile(_OPEN + b"x" * 77), _ALL)
    assert (scanned.lost_bytes, scanned.finalised) == (77, False)
    assert open_file(_RECIPE) == _OPEN
