"""What test cameras show: small clips with numbered frames, encoded once for all tests and workers."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lightnvr.demo.clip import Clip
from lightnvr.demo.encoding import AudioRecipe, ClipRecipe, VideoRecipe
from lightnvr.demo.library import ClipLibrary

VideoCodec = Literal["h264", "hevc", "av1", "mjpeg"]
AudioCodec = Literal[
    "aac", "opus", "mp3", "pcm_alaw", "pcm_mulaw", "adpcm_g722", "g726", "g726le", "pcm_s16be"
]  # fmt: skip

_AUDIO: dict[AudioCodec, AudioRecipe] = {
    "aac": AudioRecipe("aac", 16_000, bit_rate=32_000),
    "opus": AudioRecipe("opus", 48_000, channels=2),
    "mp3": AudioRecipe("mp3", 48_000),
    "pcm_alaw": AudioRecipe("pcm_alaw", 8000),
    "pcm_mulaw": AudioRecipe("pcm_mulaw", 8000),
    "adpcm_g722": AudioRecipe("adpcm_g722", 16_000),
    "g726": AudioRecipe("g726", 8000, bit_rate=32_000),
    "g726le": AudioRecipe("g726le", 8000, bit_rate=32_000),
    "pcm_s16be": AudioRecipe("pcm_s16be", 16_000),
}


def film(
    codec: VideoCodec | None = "h264",
    audio: AudioCodec | None = None,
    *,
    width: int = 320,
    height: int = 240,
    fps: int = 15,
    gop: int = 15,
    b_frames: int = 0,
    seconds: int = 24,
    first_number: int = 0,
    bit_rate: int = 300_000,
) -> Clip:
    """A clip of `seconds` (any number without audio; multiples of 24 suit every audio codec).

    `gop` is in frames. The pictures show the numbers from `first_number` on (`frame_number` reads them).
    """
    video = None
    if codec is not None:
        video = VideoRecipe(codec, width, height, fps, gop, bit_rate, b_frames, first_number=first_number)
    recipe = ClipRecipe(seconds, video, None if audio is None else replace(_AUDIO[audio]))
    folder = Path(tempfile.gettempdir()) / f"lightnvr-test-clips-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    library = ClipLibrary(folder)
    with _locked(library.path(recipe).with_suffix(".lock")):
        return library.get(recipe)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
