"""Tracks as FFmpeg's muxers take them."""

import av
from av.container import OutputContainer
from av.stream import Stream

from lightnvr.media.packets import Track


def add_track(container: OutputContainer, track: Track) -> Stream:
    """Add a track to a container with the coding that is in force. Raises av.FFmpegError, ValueError."""
    stream = container.add_stream_from_template(track.template, opaque=True)
    context = stream.codec_context
    if track.extradata:
        context.extradata = track.extradata
    if isinstance(context, av.VideoCodecContext):
        context.width, context.height = track.width, track.height
        # A muxer that counts in the time base, or in parts of it, tells apart whatever pictures the track tells apart.
        stream.time_base = track.time_base
    return stream
