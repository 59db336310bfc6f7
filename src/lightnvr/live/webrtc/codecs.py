"""Which of the offered codecs carries what the camera sends."""

from collections.abc import Sequence

from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.rtp.nal import h264_parameter_sets
from lightnvr.live.rtp.payload import Track
from lightnvr.live.webrtc.offer import OfferedCodec

_NAMES = {"h264": "H264", "hevc": "H265", "av1": "AV1"}
_SPOKEN = {"h264": "H.264", "hevc": "H.265", "av1": "AV1", "mjpeg": "MJPEG"}
_OTHER_WAYS = "Choose MSE, HLS or the snapshot, or a browser that can, or set the camera to H.264."

_BASELINE, _MAIN, _EXTENDED, _HIGH = 0x42, 0x4D, 0x58, 0x64
_INSTEAD = {
    _BASELINE: (_MAIN, _HIGH),
    _EXTENDED: (_BASELINE, _MAIN, _HIGH),
    _MAIN: (_HIGH, _BASELINE),
    _HIGH: (_MAIN, _BASELINE),
}


def choose_video(track: Track, codecs: Sequence[OfferedCodec]) -> OfferedCodec:
    """Return the codec to send the camera's video with. Raises UnsupportedTracks with what to do instead."""
    offered = [codec for codec in codecs if codec.name == _NAMES.get(track.codec) and codec.clock_rate == 90_000]
    if track.codec == "h264":
        # Without mode 1 no picture may be larger than a packet (RFC 6184, section 5.4).
        offered = [codec for codec in offered if codec.parameters.get("packetization-mode") == "1"]
        offered.sort(key=lambda codec: _distance(track, codec))
    if not offered:
        spoken = _SPOKEN.get(track.codec, track.codec)
        raise UnsupportedTracks(f"The camera sends {spoken}, which this browser does not play by WebRTC. {_OTHER_WAYS}")
    return offered[0]


def choose_audio(codecs: Sequence[OfferedCodec]) -> OfferedCodec | None:
    """Return the codec to send sound with: Opus (RFC 7587), or None when it is not offered."""
    return next((codec for codec in codecs if codec.name == "OPUS" and codec.clock_rate == 48_000), None)


def _distance(track: Track, codec: OfferedCodec) -> tuple[int, int]:
    """How far the offered profile is from the camera's.

    Browsers list few profiles, all with one low level, and decode far more: so the level is not looked at, and another
    profile is better than no picture. What is answered is the offered one, for they take nothing else.
    """
    profile, constraints = _profile(codec.parameters.get("profile-level-id", ""))
    sets = h264_parameter_sets(track.parameters)
    camera, camera_constraints = (sets[0][1], sets[0][2]) if sets and len(sets[0]) > 3 else (_BASELINE, 0xC0)
    if profile == camera:
        return 0, (constraints ^ camera_constraints).bit_count()
    instead = _INSTEAD.get(camera, (_HIGH, _MAIN, _BASELINE))
    return 1 + (instead.index(profile) if profile in instead else len(instead)), 0


def _profile(level_id: str) -> tuple[int, int]:
    try:
        value = bytes.fromhex(level_id)
    except ValueError:
        value = b""
    # What is not said is Baseline (RFC 6184, section 8.1).
    return (value[0], value[1]) if len(value) == 3 else (_BASELINE, 0)
