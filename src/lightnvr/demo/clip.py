"""A short film in encoded form, made once and played in a loop.

On disk a clip is a line of JSON (tracks and the table of samples), then the samples' bytes one after the other.
It is not a media container because none holds all the codecs that cameras send.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from lightnvr.live.rtsp import Track

_FORMAT = "lightnvr-clip-1"


class DamagedClip(Exception):
    """The file is not a clip, or not one of this version."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded frame; times in ticks of its track's clock. `number` is what a video frame shows, else None."""

    pts: int
    dts: int
    keyframe: bool
    data: bytes
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ClipTrack:
    """The samples of one track in decoding order; they fill the clip's duration exactly."""

    track: Track
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A film that can be looped: `duration` in seconds is a whole number of ticks and frames of every track."""

    duration: Fraction
    tracks: tuple[ClipTrack, ...]

    @property
    def video(self) -> ClipTrack | None:
        return next((track for track in self.tracks if track.track.is_video), None)


def save_clip(clip: Clip, path: Path) -> None:
    """Writes a clip so that nobody ever sees half of it."""
    head = {
        "format": _FORMAT,
        "duration": [clip.duration.numerator, clip.duration.denominator],
        "tracks": [_track_to_json(track) for track in clip.tracks],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            file.write(json.dumps(head).encode() + b"\n")
            for track in clip.tracks:
                file.writelines(sample.data for sample in track.samples)
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            os.unlink(file.name)  # noqa: PTH108
            raise


def load_clip(path: Path) -> Clip:
    """Reads a clip. Raises FileNotFoundError, or DamagedClip."""
    with path.open("rb") as file:
        try:
            head = json.loads(file.readline())
            if head["format"] != _FORMAT:
                raise DamagedClip(f"{path} is of another version")
            tracks = tuple(_track_from_json(track, file.read(_bytes_of(track))) for track in head["tracks"])
            return Clip(Fraction(*head["duration"]), tracks)
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedClip(f"{path} is damaged") from error


def _track_to_json(track: ClipTrack) -> dict[str, Any]:
    about = track.track
    return {
        "codec": about.codec,
        "clock_rate": about.clock_rate,
        "channels": about.channels,
        "parameters": about.parameters.hex(),
        "bit_rate": about.bit_rate,
        "width": about.width,
        "height": about.height,
        "samples": [[s.pts, s.dts, s.keyframe, len(s.data), s.number] for s in track.samples],
    }


def _bytes_of(track: dict[str, Any]) -> int:
    return sum(sample[3] for sample in track["samples"])


def _track_from_json(track: dict[str, Any], data: bytes) -> ClipTrack:
    fields = dict(track)
    samples: list[Sample] = []
    position = 0
    for pts, dts, keyframe, size, number in fields.pop("samples"):
        if position + size > len(data):
            raise DamagedClip("a clip is shorter than its table says")
        samples.append(Sample(pts, dts, keyframe, data[position : position + size], number))
        position += size
    parameters = bytes.fromhex(fields.pop("parameters"))
    return ClipTrack(Track(parameters=parameters, **fields), tuple(samples))
