"""The parts of a live fMP4 stream that all its viewers share."""

from dataclasses import dataclass, field

from lightnvr.media.mp4.movie_fragment import MovieFragment, Run


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a player has to know before the fragments. The first track is the video, the second, if any, the audio.

    `inits` are the init segments without and with audio (the second is missing when there is none), `codecs` and
    `scales` belong to the tracks: RFC 6381 strings, and units of time a second.
    """

    inits: tuple[bytes, ...]
    codecs: tuple[str, ...]
    scales: tuple[int, ...]

    def init(self, tracks: int) -> bytes:
        """Return the init segment with so many tracks."""
        return self.inits[tracks - 1]

    def media_type(self, tracks: int) -> str:
        """Return the MIME type with so many tracks, as for `addSourceBuffer`."""
        return f'video/mp4; codecs="{",".join(self.codecs[:tracks])}"'


@dataclass(frozen=True, slots=True, eq=False)
class LiveFragment:
    """One picture, and the sound that came since the one before.

    `number` is one more than that of the fragment before it, unless the time line was interrupted. `starts` and `ends`
    belong to the tracks of the presentation, in their time scales; a track without samples here starts and ends at the
    end of its latest one.
    """

    presentation: Presentation
    number: int
    begins: bool
    size: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    runs: tuple[Run, ...]
    _forms: dict[int, MovieFragment] = field(default_factory=dict)

    def of(self, tracks: int) -> MovieFragment:
        """Return the fragment with the first so many tracks; made once for all viewers."""
        form = self._forms.get(tracks)
        if form is None:
            form = self._forms[tracks] = MovieFragment(self.number, self.runs[:tracks])
        return form


@dataclass(frozen=True, slots=True, eq=False)
class CameraGone:
    """The camera sends nothing any more; what follows, when it is back, begins with a keyframe."""

    size: int = 0
    begins: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Unplayable:
    """What the camera sends does not fit into MP4. `reason` is a sentence."""

    reason: str
    size: int = 0
    begins: bool = True


Mp4Piece = LiveFragment | CameraGone | Unplayable
