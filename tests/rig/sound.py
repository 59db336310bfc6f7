"""A tone in any codec that FFmpeg can encode, as a demuxer gives it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream

from lightnvr.media.packets import CodedPacket

_CONTAINERS = {"g726": "wav", "g726le": "au", "pcm_dvd": "vob", "aac": "adts", "libopus": "ogg", "libmp3lame": "mp3"}


@contextmanager
def tone(
    encoder: str, *, seconds: float = 2, rate: int = 8000, channels: int = 1, container: str = ""
) -> Iterator[tuple[AudioStream, list[CodedPacket]]]:
    """Give a stream of a container and all its packets: 440 Hz."""
    written = io.BytesIO()
    with av.open(written, "w", format=container or _CONTAINERS.get(encoder, "nut")) as target:
        stream = target.add_stream(encoder, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.layout = "stereo" if channels == 2 else "mono"
        if encoder.startswith("g726"):
            stream.bit_rate = 32_000
        formats = stream.codec_context.codec.audio_formats
        assert formats
        resampler = av.AudioResampler(formats[0].name, stream.layout.name, rate)
        for frame in _waves(seconds, rate):
            for fitting in resampler.resample(frame):
                target.mux(stream.encode(fitting))
        target.mux(stream.encode(None))
    written.seek(0)
    with av.open(written, "r") as source:
        yield source.streams.audio[0], [packet for packet in source.demux() if packet.size]


def _waves(seconds: float, rate: int) -> Iterator[av.AudioFrame]:
    time = np.arange(int(rate * seconds)) / rate
    wave = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    for at in range(0, len(wave), 1024):
        frame = av.AudioFrame.from_ndarray(wave[at : at + 1024].reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        yield frame
