"""RTP packets, sender reports, payload formats, and the sharing of one stream among viewers."""

import random
import struct
from collections.abc import Sequence

import pytest

from lightnvr.live.rtp.frames import frame_of
from lightnvr.live.rtp.nal import h264_parameter_sets, hevc_parameter_sets, to_annex_b
from lightnvr.live.rtp.payload import payload_format
from lightnvr.live.rtsp import Broadcast, RtpBatch, RtpSender, Track, packetizer_for
from lightnvr.live.rtsp.mount import Presentation
from lightnvr.live.rtsp.sdp import describe

SPS, PPS = bytes.fromhex("6742c00cda0507e8"), bytes.fromhex("68ce0fc8")
VPS_265, SPS_265, PPS_265 = b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc1"
ANNEX_B = b"\0\0\0\1" + SPS + b"\0\0\1" + PPS
AVCC = b"\x01\x42\xc0\x0c\xff\xe1" + struct.pack(">H", len(SPS)) + SPS + b"\x01" + struct.pack(">H", len(PPS)) + PPS


class Recorder:
    """A viewer that keeps what it gets."""

    backlog = 0
    sent_bytes = 0
    lost_packets = 0

    def __init__(self) -> None:
        self.batches: list[RtpBatch] = []
        self.reports: list[tuple[int, bytes]] = []
        self.closed = False

    def deliver(self, batch: RtpBatch) -> None:
        self.batches.append(batch)

    def catch_up(self, batches: Sequence[RtpBatch]) -> None:
        self.batches += batches

    def deliver_report(self, track: int, packet: bytes) -> None:
        self.reports.append((track, packet))

    def close(self) -> None:
        self.closed = True


def packet(payload: bytes) -> bytes:
    return b"\x80\x60" + bytes(10) + payload


def test_stamped_packets_follow_each_other_and_wrap() -> None:
    sender = RtpSender(ssrc=7, first_sequence=0xFFFF)
    frame = frame_of(1, [packet(b"one"), packet(b"second")], keyframe=True)
    batch = sender.stamp(frame, (1 << 32) + 5)
    first, second = (bytes(view) for view in batch.packets())
    assert struct.unpack(">HII", first[2:12]) == (0xFFFF, 5, 7)
    assert struct.unpack(">HII", second[2:12]) == (0, 5, 7)
    assert (first[12:], second[12:]) == (b"one", b"second")
    assert batch.interleaved(2) is batch.data
    moved = batch.interleaved(9)
    assert moved[:4] == b"$\x09\x00\x0f"
    assert moved[4:19] == first


def test_a_report_tells_time_and_counts() -> None:
    sender = RtpSender(ssrc=7, first_sequence=1)
    sender.stamp(frame_of(0, [packet(b"12345")], keyframe=True), 90)
    report = sender.report(1_000_000_000.5, 90)
    kind, ssrc, seconds, fraction, timestamp, packets, octets = struct.unpack(">HxxIIIIII", report[:28])
    assert (kind, ssrc, timestamp, packets, octets) == (0x80C8, 7, 90, 1, 5)
    assert (seconds, fraction) == (1_000_000_000 + 2_208_988_800, 1 << 31)
    assert report[28:30] == b"\x81\xca"
    assert len(report) % 4 == 0


def test_a_viewer_joins_at_a_keyframe_and_gets_a_report_first() -> None:
    broadcast = Broadcast((Track("h264", 90_000),), rng=random.Random(1))
    early, late = Recorder(), Recorder()
    key, delta = (frame_of(0, [packet(b"x")], keyframe=flag) for flag in (True, False))
    broadcast.attach(early)
    broadcast.send(key, 0, 100.0)
    broadcast.attach(late)
    broadcast.send(delta, 1, 100.1)
    assert (len(early.batches), len(late.batches)) == (2, 0)
    broadcast.send(key, 2, 100.2)
    assert (len(early.batches), len(late.batches)) == (3, 1)
    assert late.reports
    assert early.batches[-1] is late.batches[-1]
    broadcast.detach(early)
    broadcast.send(delta, 3, 100.3)
    assert len(early.batches) == 3
    broadcast.close_viewers()
    assert (early.closed, late.closed) == (False, True)


def test_reports_come_every_five_seconds_of_media() -> None:
    broadcast = Broadcast((Track("pcm_alaw", 8000),), rng=random.Random(1))
    viewer = Recorder()
    broadcast.attach(viewer)
    for second in range(12):
        broadcast.send(frame_of(0, [packet(b"x")], keyframe=False), second * 8000, 1000.0 + second)
    assert len(viewer.reports) == 3


def test_the_audience_is_told() -> None:
    counts: list[int] = []
    broadcast = Broadcast((Track("h264", 90_000),), rng=random.Random(1), on_audience=counts.append)
    viewer = Recorder()
    broadcast.attach(viewer)
    broadcast.detach(viewer)
    broadcast.detach(viewer)
    assert counts == [1, 0]


@pytest.mark.parametrize("extradata", [ANNEX_B, AVCC])
def test_h264_parameter_sets_are_found(extradata: bytes) -> None:
    assert h264_parameter_sets(extradata) == [SPS, PPS]


def test_hevc_parameter_sets_are_found() -> None:
    sets = [(32, VPS_265), (33, SPS_265), (34, PPS_265)]
    hvcc = b"\x01" + bytes(20) + b"\x03\x03"
    hvcc += b"".join(struct.pack(">BHH", kind, 1, len(unit)) + unit for kind, unit in sets)
    annex_b = b"".join(b"\0\0\0\1" + unit for _, unit in sets)
    assert hevc_parameter_sets(hvcc) == hevc_parameter_sets(annex_b)
    assert hevc_parameter_sets(hvcc) == {"vps": [VPS_265], "sps": [SPS_265], "pps": [PPS_265]}


@pytest.mark.parametrize("damaged", [b"", b"\x01", AVCC[:9], b"\x01" * 40, b"\0\0\1"])
def test_damaged_extradata_gives_no_error(damaged: bytes) -> None:
    h264_parameter_sets(damaged)
    hevc_parameter_sets(damaged)


def test_frames_with_lengths_are_packetised_like_frames_with_start_codes() -> None:
    units = [SPS, PPS, b"\x65" + bytes(range(1, 200))]
    lengths = b"".join(struct.pack(">I", len(unit)) + unit for unit in units)
    start_codes = b"".join(b"\0\0\0\1" + unit for unit in units)
    assert to_annex_b(lengths, 4) == start_codes
    from_lengths = packetizer_for(Track("h264", 90_000, parameters=AVCC), 0).packetize(lengths)
    from_codes = packetizer_for(Track("h264", 90_000, parameters=ANNEX_B), 0).packetize(start_codes)

    def payloads(data: bytes, offsets: tuple[int, ...]) -> list[bytes]:
        ends = [*(offset - 4 for offset in offsets[1:]), len(data)]
        return [data[start + 12 : end] for start, end in zip(offsets, ends, strict=True)]

    assert payloads(from_lengths.data, from_lengths.offsets) == payloads(from_codes.data, from_codes.offsets)


def test_large_aac_frames_are_split() -> None:
    frame = packetizer_for(Track("aac", 48_000, parameters=b"\x11\x88"), 1).packetize(bytes(3000))
    assert len(frame.offsets) == 3
    assert [frame.data[offset + 1] >> 7 for offset in frame.offsets] == [0, 0, 1]


@pytest.mark.parametrize(
    ("track", "rtpmap", "payload_type"),
    [
        (Track("pcm_alaw", 8000), "PCMA/8000", 8),
        (Track("pcm_mulaw", 8000), "PCMU/8000", 0),
        (Track("pcm_mulaw", 16_000, 2), "PCMU/16000/2", 97),
        (Track("adpcm_g722", 8000), "G722/8000", 9),
        (Track("g726", 8000, bit_rate=24_000), "AAL2-G726-24/8000", 97),
        (Track("g726le", 8000), "G726-32/8000", 97),
        (Track("pcm_s16be", 44_100, 2), "L16/44100/2", 97),
        (Track("opus", 48_000, 2), "opus/48000/2", 97),
        (Track("mp3", 48_000), "MPA/90000", 14),
        (Track("mjpeg", 90_000), "JPEG/90000", 26),
        (Track("av1", 90_000), "AV1/90000", 97),
    ],
)
def test_payload_formats(track: Track, rtpmap: str, payload_type: int) -> None:
    found = payload_format(track, 1)
    assert (found.rtpmap, found.payload_type) == (rtpmap, payload_type)


def test_the_description_holds_the_parameters_and_no_line_can_be_smuggled_in() -> None:
    tracks = (Track("h264", 90_000, parameters=ANNEX_B), Track("aac", 16_000, parameters=b"\x14\x08"))
    text = describe(Presentation("Front\r\na=evil", tracks), "127.0.0.1")
    assert "s=Fronta=evil\r\n" in text
    assert "profile-level-id=42C00C;sprop-parameter-sets=Z0LADNoFB+g=,aM4PyA==" in text
    assert "config=1408" in text
    assert text.count("a=control:trackID=") == 2
    assert "IN IP6 ::1" in describe(Presentation("", tracks), "::1")
