"""What the tracks of a camera are as RTP."""

from collections.abc import Sequence

import av

from lightnvr.live.rtp.nal import h264_parameter_sets, hevc_parameter_sets
from lightnvr.live.rtp.payload import Codec, Track
from lightnvr.media.packets import Track as CameraTrack

_START_CODE = b"\0\0\0\1"
_CODECS: dict[str, Codec] = {
    "h264": "h264",
    "hevc": "hevc",
    "av1": "av1",
    "mjpeg": "mjpeg",
    "aac": "aac",
    "opus": "opus",
    "mp3": "mp3",
}


def rtp_tracks(tracks: Sequence[CameraTrack]) -> tuple[tuple[CameraTrack, Track], ...]:
    """Return the tracks that RTP can carry, video first, each with what it is as RTP."""
    ordered = sorted(tracks, key=lambda track: track.kind != "video")
    return tuple((track, _rtp_track(track, codec)) for track in ordered if (codec := _CODECS.get(track.codec)))


def _rtp_track(track: CameraTrack, codec: Codec) -> Track:
    if track.kind == "video":
        parameters = _annex_b(codec, track.extradata)
        return Track(codec, 90_000, parameters=parameters, width=track.width, height=track.height)
    context = track.template.codec_context
    channels = context.channels if isinstance(context, av.AudioCodecContext) else 1
    # RFC 3551, section 4.5.13, and RFC 7587, section 4.1: the clocks of MPEG audio and Opus are fixed.
    clock_rate = {"mp3": 90_000, "opus": 48_000}.get(codec, track.sample_rate)
    return Track(codec, clock_rate, channels or 1, track.extradata if codec == "aac" else b"")


def _annex_b(codec: Codec, extradata: bytes) -> bytes:
    """The parameter sets in one form, each once, so that equal tracks compare equal whatever the camera's protocol."""
    if codec == "h264":
        units = h264_parameter_sets(extradata)
    elif codec == "hevc":
        sets = hevc_parameter_sets(extradata)
        units = [*sets["vps"], *sets["sps"], *sets["pps"]]
    else:
        return b""
    return b"".join(_START_CODE + unit for unit in dict.fromkeys(units))
