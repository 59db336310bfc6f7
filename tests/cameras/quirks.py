"""Faults of cameras that are in the clip itself, or in the order of what is sent."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from lightnvr.demo.clip import Clip, ClipTrack
from lightnvr.demo.playing import Cue
from lightnvr.live.rtsp import RtpFrame, Track

CueQuirk = Callable[[Iterator[Cue], tuple[Track, ...]], Iterator[Cue]]
"""Changes what is sent: gets the cues and the tracks they belong to, gives other cues."""

_UNIT = re.compile(rb"\x00\x00\x00?\x01")


def without_parameter_sets(clip: Clip) -> Clip:
    """The same H.264 or H.265 clip without parameter sets, neither in the description nor in the stream."""
    return Clip(clip.duration, tuple(_stripped(part) if part.track.is_video else part for part in clip.tracks))


def without_described_parameter_sets(clip: Clip) -> Clip:
    """The same clip with parameter sets in the stream only, not in the description."""
    tracks = (
        ClipTrack(replace(part.track, parameters=b""), part.samples) if part.track.is_video else part
        for part in clip.tracks
    )
    return Clip(clip.duration, tuple(tracks))


def audio_starts_late(seconds: float) -> CueQuirk:
    """Audio is described, but its first packet comes so many seconds after the camera's first."""
    return lambda cues, tracks: (cue for cue in cues if tracks[cue.frame.track].is_video or cue.due >= seconds)


def audio_never_comes() -> CueQuirk:
    """Audio is described, but there is never a packet of it."""
    return lambda cues, tracks: (cue for cue in cues if tracks[cue.frame.track].is_video)


def audio_drifts(ratio: float) -> CueQuirk:
    """The clock of the audio runs faster than the video's by this ratio: 0.01 gains 10 ms each second."""

    def drifting(cues: Iterator[Cue], tracks: tuple[Track, ...]) -> Iterator[Cue]:
        for cue in cues:
            is_video = tracks[cue.frame.track].is_video
            yield cue if is_video else replace(cue, timestamp=int(cue.timestamp * (1 + ratio)))

    return drifting


def audio_is_garbage() -> CueQuirk:
    """Audio packets have sound headers and random contents."""
    rng = random.Random(1)

    def garbled(cues: Iterator[Cue], tracks: tuple[Track, ...]) -> Iterator[Cue]:
        for cue in cues:
            is_video = tracks[cue.frame.track].is_video
            yield cue if is_video else replace(cue, frame=_garbage(cue.frame, rng))

    return garbled


def _garbage(frame: RtpFrame, rng: random.Random) -> RtpFrame:
    data = bytearray(frame.data)
    ends = [*(offset - 4 for offset in frame.offsets[1:]), len(data)]
    for start, end in zip((offset + 12 for offset in frame.offsets), ends, strict=True):
        data[start:end] = rng.randbytes(end - start)
    return replace(frame, data=bytes(data))


def _stripped(part: ClipTrack) -> ClipTrack:
    kinds = {"h264": _is_h264_set, "hevc": _is_hevc_set}[part.track.codec]
    samples = tuple(replace(sample, data=_without(sample.data, kinds)) for sample in part.samples)
    return ClipTrack(replace(part.track, parameters=b""), samples)


def _without(data: bytes, unwanted: Callable[[bytes], bool]) -> bytes:
    units = [unit for unit in _UNIT.split(data)[1:] if unit]
    return b"".join(b"\0\0\0\1" + unit for unit in units if not unwanted(unit))


def _is_h264_set(unit: bytes) -> bool:
    return unit[0] & 0x1F in {7, 8}


def _is_hevc_set(unit: bytes) -> bool:
    return unit[0] >> 1 & 0x3F in {32, 33, 34}
