"""Fragments say of their samples what was put into them."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.mp4.fragments import PendingRun, build_moof, moof_size
from lightnvr.media.mp4.samples import length_prefixed, open_bitstream_units
from lightnvr.media.mp4.track_runs import parse_moof
from lightnvr.media.packets import coded_packet

_samples = st.lists(
    st.tuples(st.integers(1, 1 << 20), st.integers(-(1 << 20), 1 << 20), st.binary(max_size=20)), min_size=1
)
_nal_unit = st.binary(min_size=1).filter(lambda unit: b"\x00\x00" not in unit and unit[-1] != 0)


@given(st.lists(st.tuples(_samples, st.booleans(), st.booleans()), min_size=1, max_size=3), st.integers(0, 1 << 50))
def test_what_was_put_into_a_fragment_is_read_out_of_it(
    tracks: list[tuple[list[tuple[int, int, bytes]], bool, bool]], begins: int
) -> None:
    pending: list[PendingRun] = []
    for track_id, (samples, _, sync) in enumerate(tracks, 1):
        waiting = PendingRun(track_id)
        waiting.begins_with_sync = sync
        at = begins
        for duration, composition_offset, payload in samples:
            waiting.add(at, composition_offset, len(payload), [payload])
            at += duration
        pending.append(waiting)
    size = moof_size(pending)
    taken = [
        waiting.take(samples[-1][0], size + 8, video=video)
        for waiting, (samples, video, _) in zip(pending, tracks, strict=True)
    ]
    moof = build_moof(7, [run for run, _ in taken])
    assert len(moof) == size
    for found, (run, pieces), (samples, _, _) in zip(parse_moof(moof), taken, tracks, strict=True):
        assert (found.track_id, found.decode_time, found.data_offset) == (run.track_id, begins, size + 8)
        assert list(found.durations) == list(run.durations) == [duration for duration, _, _ in samples]
        assert list(found.sizes) == list(run.sizes) == [len(content) for _, _, content in samples]
        assert list(found.composition_offsets) == list(run.composition_offsets) == [offset for _, offset, _ in samples]
        assert list(found.sync_samples) == list(run.sync_samples)
        assert b"".join(map(bytes, pieces)) == b"".join(content for _, _, content in samples)
    assert not any(map(len, pending))


@given(st.lists(st.tuples(st.sampled_from([b"\x00\x00\x01", b"\x00\x00\x00\x01"]), _nal_unit), min_size=1))
def test_each_unit_gets_its_length_whatever_its_start_code(coded: list[tuple[bytes, bytes]]) -> None:
    units = [unit for _, unit in coded]
    packet = coded_packet(b"".join(code + unit for code, unit in coded) + b"\x00\x00")
    size, pieces = length_prefixed(packet)
    written = b"".join(map(bytes, pieces))
    assert size == len(written)
    assert written == b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def test_units_that_belong_to_the_stream_only_are_left_out_of_av1() -> None:
    delimiter, padding = bytes((2 << 3 | 2, 0)), bytes((15 << 3 | 2, 3, 1, 2, 3))
    sequence = bytes((1 << 3 | 2, 4)) + b"head"
    frame = bytes((6 << 3 | 4 | 2, 0x20, 0x81, 0x01)) + bytes(129)
    unsized = bytes((6 << 3,)) + b"until the end"
    size, pieces = open_bitstream_units(coded_packet(delimiter + sequence + padding + frame + unsized))
    assert b"".join(map(bytes, pieces)) == sequence + frame + unsized
    assert size == len(sequence + frame + unsized)


@given(st.binary(min_size=1))
def test_no_bytes_break_the_filter_of_av1(content: bytes) -> None:
    size, pieces = open_bitstream_units(coded_packet(content))
    assert size == sum(len(bytes(piece)) for piece in pieces) <= len(content)
