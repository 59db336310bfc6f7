"""Audio that MP4 cannot hold becomes AAC, once per camera."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream

from lightnvr.media.packets import CodedPacket

COPIED = frozenset(("aac", "opus", "mp3", "mp3float"))
"""What goes into MP4 as it is (FFmpeg's decoder names)."""

TRANSCODED = frozenset(
    (
        *("pcm_alaw", "pcm_mulaw", "adpcm_g722", "g722", "adpcm_g726", "adpcm_g726le", "g726", "g726le"),
        *("pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_u8", "pcm_s8", "pcm_dvd"),
    )
)
"""G.711, G.722, G.726 and PCM in FFmpeg's decoder names."""

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class EncodedAudio(NamedTuple):
    """One AAC frame; `pts` and `duration` are in units of 1/sample rate."""

    payload: CodedPacket
    pts: int
    duration: int


class AacTranscoder:
    """Decodes a camera's audio and encodes it as AAC-LC at the same sample rate, mono or stereo.

    `template` and `extradata` describe the AAC track. Not thread-safe. A packet that cannot be decoded raises
    av.FFmpegError and leaves the transcoder usable.
    """

    def __init__(self, source: AudioStream) -> None:
        rate = min(_AAC_RATES, key=lambda offered: abs(offered - (source.codec_context.sample_rate or 8000)))
        channels = min(2, source.codec_context.channels or 1)
        self._decoder: AudioCodecContext = source.codec_context
        self._resampler = av.AudioResampler("fltp", "stereo" if channels == 2 else "mono", rate, frame_size=1024)
        self.container = av.open(io.BytesIO(), "w", format="mp4")
        self.template: AudioStream = self.container.add_stream("aac", rate=rate)
        self.template.layout = "stereo" if channels == 2 else "mono"
        self.template.bit_rate = 32_000 * channels if rate <= 16_000 else 64_000 * channels
        self.container.start_encoding()
        self.sample_rate = rate
        self.time_base = Fraction(1, rate)
        self.extradata = bytes(self.template.codec_context.extradata or b"")
        self._next_pts: int | None = None

    def encode(self, packet: CodedPacket, pts: int) -> Iterator[EncodedAudio]:
        """Yield the AAC frames that this packet completes. `pts` is when it begins, in units of 1/sample rate."""
        for decoded in self._decoder.decode(packet):
            # Only a gap is followed: small differences are the camera's jitter, and AAC frames must join.
            if self._next_pts is None or pts - self._next_pts > self.sample_rate:
                self._next_pts = pts
            elif self._next_pts - pts > self.sample_rate:
                # A camera that lies about its sample rate sends more sound than time; time must not go back.
                continue
            decoded.pts = None
            for frame in self._resampler.resample(decoded):
                frame.pts = self._next_pts
                frame.time_base = self.time_base
                self._next_pts += frame.samples
                for coded in self.template.codec_context.encode(frame):
                    yield EncodedAudio(coded, coded.pts or 0, 1024)


def opus_head(channels: int) -> bytes:
    """Return the OpusHead that MP4 wants and RTP does not carry (RFC 7845 section 5.1)."""
    return b"OpusHead" + bytes((1, max(1, channels), 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0))


def adts_header_size(frame: memoryview) -> int:
    """Return how many bytes of ADTS header an AAC frame has, 0 when it is raw (ISO/IEC 13818-7 section 6.2)."""
    if len(frame) < 9 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
        return 0
    return 7 if frame[1] & 1 else 9


def audio_specific_config(frame: memoryview) -> bytes:
    """Return the AudioSpecificConfig that an ADTS header implies (ISO/IEC 14496-3 section 1.6.2.1)."""
    profile = (frame[2] >> 6) + 1
    rate_index = frame[2] >> 2 & 0x0F
    channels = (frame[2] & 1) << 2 | frame[3] >> 6
    return bytes((profile << 3 | rate_index >> 1, (rate_index & 1) << 7 | channels << 3))
