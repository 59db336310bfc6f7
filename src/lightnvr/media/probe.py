"""Looking at a camera once: what does it send?"""

import time
from dataclasses import dataclass

import av

from lightnvr.media.address import SourceAddress
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.ingest import UNKNOWN_VIDEO, VIDEO_CODECS
from lightnvr.media.opening import OpenOptions, Transport, explain, known, open_camera


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a camera sends. Codec names are FFmpeg's; `keyframe_interval_s` is None when two keyframes were not seen."""

    codec: str
    width: int
    height: int
    fps: float
    audio_codec: str
    keyframe_interval_s: float | None
    recorded: bool
    """Whether the video codec is one that is recorded."""


def probe(
    address: SourceAddress, transport: Transport, timeout_s: float, *, watch_keyframes_s: float = 0.0
) -> ProbeResult:
    """Connect, look, disconnect. Blocks; run it in a thread. Raises CameraError.

    With `watch_keyframes_s` it watches for up to so many seconds until it has seen two keyframes.
    """
    container = open_camera(
        address, OpenOptions(transport=transport, connect_timeout_s=timeout_s, stall_timeout_s=timeout_s)
    )
    with container:
        if not container.streams.video:
            raise CameraError(Fault.NO_VIDEO, f"{address} has no video.")
        pictures, sounds = known(container.streams.video), known(container.streams.audio)
        if not pictures:
            raise CameraError(Fault.UNSUPPORTED, UNKNOWN_VIDEO)
        stream = pictures[0]
        audio = sounds[0].codec_context.codec.canonical_name if sounds else ""
        interval: float | None = None
        try:
            if watch_keyframes_s:
                interval = _keyframe_interval(container, stream.index, watch_keyframes_s)
        except (av.FFmpegError, OSError) as error:
            raise explain(address, error) from error
        codec = stream.codec_context.codec.canonical_name
        return ProbeResult(
            codec=codec,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=float(stream.average_rate or stream.guessed_rate or 0),
            audio_codec=audio,
            keyframe_interval_s=interval,
            recorded=codec in VIDEO_CODECS,
        )


def _keyframe_interval(container: av.container.InputContainer, video_index: int, watch_s: float) -> float | None:
    ends = time.monotonic() + watch_s
    earlier: float | None = None
    # Every stream: PyAV would wait for ever while nothing but sound comes.
    for packet in container.demux():
        if packet.stream_index == video_index and packet.is_keyframe and packet.pts is not None:
            seconds = float(packet.pts * packet.time_base)
            if earlier is not None:
                return round(seconds - earlier, 3)
            earlier = seconds
        if time.monotonic() > ends:
            break
    return None
