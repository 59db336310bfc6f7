"""How each codec is named and parametrised in SDP (RFC 3551, 3640, 6184, 7587, 7798, the AV1 RTP specification)."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

from lightnvr.live.rtp.nal import h264_parameter_sets, hevc_parameter_sets

Codec = Literal[
    "h264", "hevc", "av1", "mjpeg",
    "aac", "opus", "mp3", "pcm_alaw", "pcm_mulaw", "adpcm_g722", "g726", "g726le", "pcm_s16be",
]  # fmt: skip
VIDEO_CODECS = frozenset({"h264", "hevc", "av1", "mjpeg"})


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream of a mount.

    `clock_rate` is the RTP clock in ticks per second (90000 for video). `parameters` is FFmpeg's extradata: parameter
    sets for H.264 and H.265 (Annex B or avcC/hvcC), the AudioSpecificConfig for AAC; empty when there is none.
    `bit_rate` in bits per second chooses the flavour of G.726. `width` and
    `height` in pixels are needed for MJPEG only, whose payload carries them (RFC 2435).
    """

    codec: Codec
    clock_rate: int
    channels: int = 1
    parameters: bytes = b""
    bit_rate: int = 0
    width: int = 0
    height: int = 0

    @property
    def is_video(self) -> bool:
        return self.codec in VIDEO_CODECS


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    """What `m=`, `a=rtpmap` and `a=fmtp` say about a track."""

    payload_type: int
    rtpmap: str
    fmtp: str = ""


def payload_format(track: Track, index: int) -> PayloadFormat:
    """The payload format of the track that stands at `index` in its presentation."""
    dynamic = 96 + index
    if track.is_video:
        return _video_format(track, dynamic)
    match track.codec:
        case "mp3":
            return PayloadFormat(14, "MPA/90000")
        case "aac":
            return PayloadFormat(dynamic, f"MPEG4-GENERIC/{track.clock_rate}/{track.channels}", _aac_fmtp(track))
        case "opus":
            return PayloadFormat(dynamic, "opus/48000/2", f"sprop-stereo={int(track.channels == 2)}")
        case "pcm_mulaw" | "pcm_alaw":
            return _g711(track, dynamic)
        case "adpcm_g722":
            # RFC 3551, section 4.5.2: the clock is 8000 by an old mistake that stays; samples are 16000 a second.
            return PayloadFormat(9, "G722/8000")
        case "g726":
            return PayloadFormat(dynamic, f"AAL2-G726-{_g726_kilobits(track)}/8000")
        case "g726le":
            return PayloadFormat(dynamic, f"G726-{_g726_kilobits(track)}/8000")
        case _:
            return PayloadFormat(dynamic, f"L16/{track.clock_rate}/{track.channels}")


def _video_format(track: Track, dynamic: int) -> PayloadFormat:
    match track.codec:
        case "h264":
            return PayloadFormat(dynamic, "H264/90000", _h264_fmtp(track.parameters))
        case "hevc":
            return PayloadFormat(dynamic, "H265/90000", _hevc_fmtp(track.parameters))
        case "mjpeg":
            return PayloadFormat(26, "JPEG/90000")
        case _:
            return PayloadFormat(dynamic, "AV1/90000")


def _g711(track: Track, dynamic: int) -> PayloadFormat:
    name, static = ("PCMA", 8) if track.codec == "pcm_alaw" else ("PCMU", 0)
    if track.clock_rate == 8000 and track.channels == 1:
        return PayloadFormat(static, f"{name}/8000")
    return PayloadFormat(dynamic, f"{name}/{track.clock_rate}/{track.channels}")


def _g726_kilobits(track: Track) -> int:
    return (track.bit_rate or 32_000) // 1000


def _aac_fmtp(track: Track) -> str:
    fmtp = "profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
    return f"{fmtp};config={track.parameters.hex().upper()}" if track.parameters else fmtp


def _h264_fmtp(parameters: bytes) -> str:
    sets = h264_parameter_sets(parameters)
    if not sets:
        return "packetization-mode=1"
    return (
        f"packetization-mode=1;profile-level-id={sets[0][1:4].hex().upper()}"
        f";sprop-parameter-sets={','.join(b64encode(unit).decode() for unit in sets)}"
    )


def _hevc_fmtp(parameters: bytes) -> str:
    sets = hevc_parameter_sets(parameters)
    return ";".join(
        f"sprop-{name}={','.join(b64encode(unit).decode() for unit in units)}" for name, units in sets.items() if units
    )
