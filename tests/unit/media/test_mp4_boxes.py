"""Reading what FFmpeg wrote, and refusing what nobody should have written."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.mp4.boxes import MalformedBox, box, children, full_box, read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.muxer import FragmentedMuxer
from lightnvr.media.mp4.sample_table import RunLengths, TrackSamples
from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from tests.rig.film import Recipe, film


def _fragmented() -> tuple[bytes, list[bytes]]:
    shown = film(Recipe(seconds=2, b_frames=2, audio=True))
    muxer = FragmentedMuxer(shown.tracks, shown.video_packets[0], 500_000)
    for packet in shown.packets:
        muxer.mux(packet)
    return muxer.init.content, [fragment.content for fragment in muxer.finish()]


_INIT, _FRAGMENTS = _fragmented()
_MOOFS = [content[: struct.unpack_from(">I", content)[0]] for content in _FRAGMENTS]


def test_the_init_segment_tells_the_tracks() -> None:
    init = InitSegment.parse(_INIT)
    video, audio = init.tracks
    assert (video.handler, video.width, video.height, video.sample_entry) == (b"vide", 160, 120, b"avc1")
    assert (audio.handler, audio.timescale, audio.sample_entry) == (b"soun", 16_000, b"mp4a")
    assert init.video is video
    assert _INIT[init.ftyp_size + 4 : init.ftyp_size + 8] == b"moov"


def test_runs_lie_where_they_say() -> None:
    for content, moof in zip(_FRAGMENTS, _MOOFS, strict=True):
        runs = parse_moof(moof)
        assert sum(sum(run.sizes) for run in runs) == len(content) - len(moof) - 8
        for run in runs:
            assert len(moof) + 8 <= run.data_offset <= len(content) - sum(run.sizes)


def test_runs_of_one_track_join() -> None:
    ends: dict[int, int] = {}
    for moof in _MOOFS:
        for run in parse_moof(moof):
            assert run.decode_time >= ends.get(run.track_id, 0)
            ends[run.track_id] = run.decode_time + run.duration


@given(st.data())
def test_a_damaged_moof_is_read_or_refused_with_one_error(data: st.DataObject) -> None:
    moof = bytearray(data.draw(st.sampled_from(_MOOFS)))
    for _ in range(data.draw(st.integers(1, 4))):
        moof[data.draw(st.integers(0, len(moof) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(moof)))
    for damaged in (bytes(moof), bytes(moof[:cut])):
        with suppress(MalformedBox):
            parse_moof(damaged)


@given(st.data())
def test_a_damaged_init_segment_is_read_or_refused_with_one_error(data: st.DataObject) -> None:
    init = bytearray(_INIT)
    for _ in range(data.draw(st.integers(1, 4))):
        init[data.draw(st.integers(0, len(init) - 1))] = data.draw(st.integers(0, 255))
    for damaged in (bytes(init), bytes(init[: data.draw(st.integers(0, len(init)))])):
        with suppress(MalformedBox):
            InitSegment.parse(damaged)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_one_error(content: bytes) -> None:
    for read in (parse_moof, InitSegment.parse, lambda buffer: list(children(buffer, 0, len(buffer)))):
        with suppress(MalformedBox):
            read(content)


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=30)), max_size=8))
def test_boxes_are_read_as_they_were_made(boxes: list[tuple[bytes, bytes]]) -> None:
    content = b"".join(box(kind, payload) for kind, payload in boxes)
    found = list(children(content, 0, len(content)))
    assert [(each.type, content[each.payload : each.end]) for each in found] == boxes


def test_large_boxes_and_full_boxes() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 1 << 40)
    assert read_header(large, 0) == (b"mdat", 16, 1 << 40)
    assert read_header(large[:12], 0) is None
    assert read_header(large[:4], 0) is None
    assert full_box(b"tfdt", 1, 0xABC, b"x") == b"\x00\x00\x00\x0dtfdt\x01\x00\x0a\xbcx"
    for size in (0, 7):
        with pytest.raises(MalformedBox):
            read_header(struct.pack(">I4s", size, b"moof"), 0)


@given(st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=8), st.integers(0, 3))
def test_run_lengths_hold_what_was_put_in(groups: list[list[int]], last: int) -> None:
    lengths, plain = RunLengths(), list[int]()
    for group in groups:
        lengths.extend(group)
        plain += group
        if plain:
            lengths.replace_last(last)
            plain[-1] = last
    unfolded = [v for count, v in zip(lengths.counts, lengths.values, strict=True) for _ in range(count)]
    assert unfolded == plain
    assert all(lengths.counts)
    assert all(a != b for a, b in zip(lengths.values, lengths.values[1:], strict=False))
    assert lengths.pack("I")[:4] == struct.pack(">I", len(lengths.counts))


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 9000), min_size=1, max_size=5), st.integers(0, 9000)), min_size=1, max_size=6
    )
)
def test_the_time_between_fragments_belongs_to_the_last_sample_before(runs: list[tuple[list[int], int]]) -> None:
    samples, at, expected = TrackSamples(1, 90_000, video=True), 500, list[int]()
    for durations, gap in runs:
        samples.append(TrackRun(1, at, 100, durations, [10] * len(durations), [0] * len(durations), [0]), 4096)
        at += sum(durations) + gap
        expected += [*durations[:-1], durations[-1] + gap]
    expected[-1] -= runs[-1][1]
    assert len(samples) == len(expected)
    assert samples.first_decode_time == 500
    assert samples.duration == sum(expected)
    table = samples.boxes()
    count = struct.unpack_from(">I", table, 12)[0]
    entries = [struct.unpack_from(">II", table, 16 + 8 * index) for index in range(count)]
    assert [value for number, value in entries for _ in range(number)] == expected


def test_a_run_that_claims_any_number_of_samples_takes_no_memory() -> None:
    tfhd = full_box(b"tfhd", 0, 0x38, struct.pack(">IIII", 1, 6000, 100, 0))
    trun = full_box(b"trun", 0, 0, struct.pack(">I", 0xFFFFFFFF))
    with pytest.raises(MalformedBox):
        parse_moof(box(b"moof", box(b"traf", tfhd, full_box(b"tfdt", 0, 0, bytes(4)), trun)))


def test_a_fragment_that_counts_from_the_start_of_the_file_is_refused() -> None:
    tfhd = full_box(b"tfhd", 0, 1, struct.pack(">IQ", 1, 0))
    with pytest.raises(MalformedBox):
        parse_moof(box(b"moof", box(b"traf", tfhd, full_box(b"tfdt", 0, 0, bytes(4)))))
