"""Decoders for what cameras send, set up to cost little."""

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from lightnvr.media.packets import MediaPacket, Track, coded_packet

_DECODERS = {"av1": "libdav1d"}
"""FFmpeg's own decoder for AV1 needs hardware."""

_SHRINKS = {"mjpeg": 3}
"""Decoders that can leave out halvings, with the most that they can (FFmpeg option `lowres`)."""


class UndecodablePicture(Exception):
    """A coded picture cannot be decoded; the message is FFmpeg's."""


def open_decoder(
    track: Track, *, rough: bool = False, prompt: bool = False, least_width: int | None = None
) -> VideoCodecContext:
    """Return a decoder of one thread. Raises UndecodablePicture.

    `rough` leaves out what only makes pictures nicer (FFmpeg option `skip_loop_filter`), `prompt` gives each picture
    out at once (flag `low_delay`). With `least_width`, in pixels, pictures are decoded smaller where the codec allows
    it, but not below that.
    """
    try:
        decoder = av.CodecContext.create(_DECODERS.get(track.codec, track.codec), "r")
        if not isinstance(decoder, VideoCodecContext):
            raise UndecodablePicture(f"{track.codec} is no video")
        if track.extradata:
            decoder.extradata = track.extradata
    except (av.FFmpegError, ValueError) as error:
        raise UndecodablePicture(str(error)) from error
    decoder.thread_count = 1
    options: dict[str, str] = {}
    if rough:
        options["skip_loop_filter"] = "all"
    halvings = _halvings(track, least_width)
    if halvings:
        options["lowres"] = str(halvings)
    decoder.options = options
    if prompt:
        decoder.flags |= Flags.low_delay
    return decoder


def decode_keyframe(keyframe: MediaPacket, *, rough: bool = False, least_width: int | None = None) -> av.VideoFrame:
    """Decode one keyframe, in one thread; options as in `open_decoder`. Raises UndecodablePicture.

    A decoder of its own for each costs no more than keeping one and flushing it, which was measured.
    """
    decoder = open_decoder(keyframe.track, rough=rough, least_width=least_width)
    try:
        frames = [*decoder.decode(coded_packet(keyframe.payload)), *decoder.decode(None)]
    except (av.FFmpegError, ValueError) as error:
        raise UndecodablePicture(str(error)) from error
    if not frames:
        raise UndecodablePicture("no picture came out of it")
    return frames[0]


def _halvings(track: Track, least_width: int | None) -> int:
    most = _SHRINKS.get(track.codec, 0)
    if least_width is None or not track.width:
        return 0
    return max((halvings for halvings in range(most + 1) if track.width >> halvings >= least_width), default=0)
