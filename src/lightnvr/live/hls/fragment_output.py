"""Low-latency HLS: fragmented MP4 in parts, each listed as soon as it is there."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from lightnvr.live.hls.cutter import Cutter
from lightnvr.live.hls.pace import Pace, seconds
from lightnvr.live.hls.placing import Placing, ProgramDates
from lightnvr.live.hls.window import Part, Window
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.movie_fragment import MovieFragment, Run, Sample
from lightnvr.media.mp4.muxer import MuxFailed, init_segment
from lightnvr.media.mp4.samples import sample_form
from lightnvr.media.packets import MediaItem, MediaPacket, Track

_WINDOW = 8
"""Two more than the six target durations that a delta playlist may not leave out."""

_TOLERANCE_S = 0.001


class FragmentOutput:
    """Makes the parts of one stream. Implements `Output` and `Segments`."""

    def __init__(
        self, segment_s: float, gop_s: Callable[[], float | None], wall_us: Callable[[int], int], first_number: int
    ) -> None:
        """See Cutter and ProgramDates; `first_number` is the first segment's."""
        self._cutter = Cutter(self, segment_s, gop_s)
        self._dates = ProgramDates(wall_us)
        self._placed: dict[int, _PlacedTrack] = {}
        self._init_number = 0
        self._fragments = 0
        self._date_us = 0
        self._begin_s = self._part_begin_s = 0.0
        self._pictures: list[MediaPacket] = []
        self._sound: list[MediaPacket] = []
        self.window = Window(first_number, _WINDOW)
        self.inits: dict[int, InitSegment] = {}
        """The init segments in use, by number."""
        self.tracks: Sequence[Track] = ()
        """The tracks in the newest segment, also when the camera is gone."""

    @property
    def pace(self) -> Pace | None:
        """How long segments and parts are, None while nothing has come."""
        return self._cutter.pace

    @property
    def is_ready(self) -> bool:
        """Whether there is something to play."""
        return self.window.has_complete

    @property
    def init(self) -> InitSegment | None:
        """The init segment in force."""
        return self.inits.get(self._init_number)

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output."""
        self._cutter.take(items)

    def close(self) -> None:
        """See Output."""
        self.window.close()
        self._cutter.close()
        self._pictures.clear()
        self._sound.clear()

    def begin(self, first: MediaPacket, tracks: Sequence[Track], pace: Pace, *, new_run: bool) -> None:
        """See Segments."""
        if new_run or not self._placed:
            tracks, init = _with_init(tracks, first)
            placing = Placing(first)
            self._placed = {
                track.index: _PlacedTrack(track, placing, header.track_id, header.timescale)
                for track, header in zip(tracks, init.tracks, strict=True)
            }
            self._sound.clear()
            self.tracks = tracks
            self._use(init)
        self._date_us = self._dates.begin(first, new_run=new_run)
        self._begin_s = self._part_begin_s = seconds(first)
        segment = self.window.begin(
            self._date_us, discontinuity=new_run, target_s=pace.target_s, init=self._init_number
        )
        if self._init_number == 0:
            self._init_number = segment.init = segment.number
            self.inits[segment.number] = self.inits.pop(0)

    def add(self, packet: MediaPacket) -> None:
        """See Segments."""
        if packet.track.kind == "video":
            self._add_picture(packet)
        elif packet.track.index in self._placed:
            self._sound.append(packet)

    def end(self, end_s: float) -> None:
        """See Segments."""
        self._split(end_s)
        self._emit(self._pictures, end_s)
        self._pictures = []
        self._dates.end(self._date_us, end_s - self._begin_s)
        self.window.complete()
        self.inits = {
            number: init
            for number, init in self.inits.items()
            if number == self._init_number or self.window.uses_init(number)
        }

    def _use(self, init: InitSegment) -> None:
        before = self.init
        if before is None or before.content != init.content:
            # Named after the first segment that needs it, once that has a number.
            self._init_number = 0
            self.inits[0] = init

    def _add_picture(self, packet: MediaPacket) -> None:
        pace = self._cutter.pace
        at_s = seconds(packet)
        if self._pictures and pace is not None:
            self._split(at_s)
            if at_s + pace.frame_s - self._part_begin_s > pace.part_s + _TOLERANCE_S:
                self._emit(self._pictures, at_s)
                self._pictures = []
        self._pictures.append(packet)

    def _split(self, at_s: float) -> None:
        """Let the last picture begin a part of its own when the part would be too long with it."""
        pace = self._cutter.pace
        if pace is None or len(self._pictures) < 2 or at_s - self._part_begin_s <= pace.part_s + _TOLERANCE_S:
            return
        last = self._pictures.pop()
        self._emit(self._pictures, seconds(last))
        self._pictures = [last]

    def _emit(self, pictures: Sequence[MediaPacket], end_s: float) -> None:
        if not pictures:
            return
        video = self._placed[pictures[0].track.index]
        runs = [video.run(pictures, end_s)]
        sound, self._sound = self._sound, []
        if sound:
            audio = self._placed[sound[0].track.index]
            runs.append(audio.run(sound, None))
        self._fragments += 1
        content = MovieFragment(self._fragments, runs).content([run.decode_time for run in runs])
        self.window.add(Part(content, end_s - self._part_begin_s, pictures[0].is_keyframe))
        self._part_begin_s = end_s


class _PlacedTrack:
    """A track of the init segment, and where its packets belong."""

    def __init__(self, track: Track, placing: Placing, track_id: int, timescale: int) -> None:
        self.track_id = track_id
        self._shift = placing.shift(track)
        self._numerator = track.time_base.numerator * timescale
        self._denominator = track.time_base.denominator
        self._timescale = timescale
        self._form = sample_form(track)

    def run(self, packets: Sequence[MediaPacket], end_s: float | None) -> Run:
        """Return the packets as samples, each of which lasts until the next; the last until `end_s`, if given."""
        begins = [self._ticks(packet.dts) for packet in packets]
        if end_s is not None:
            ends = self._ticks(round(end_s * self._denominator / self._numerator * self._timescale))
        elif packets[-1].duration:
            ends = begins[-1] + packets[-1].duration * self._numerator // self._denominator
        else:
            ends = begins[-1] + (begins[-1] - begins[-2] if len(begins) > 1 else 0)
        samples = [
            Sample(
                content=self._form(packet.payload),
                duration=max(0, end - begin),
                composition_offset=self._ticks(packet.pts) - begin,
                is_sync=packet.is_keyframe,
            )
            for packet, (begin, end) in zip(packets, pairwise([*begins, ends]), strict=True)
        ]
        return Run(self.track_id, begins[0], samples)

    def _ticks(self, time: int) -> int:
        return (time + self._shift) * self._numerator // self._denominator


def _with_init(tracks: Sequence[Track], first: MediaPacket) -> tuple[Sequence[Track], InitSegment]:
    try:
        return tracks, init_segment(tracks)
    except MuxFailed:
        # Sound that does not fit into MP4 must not cost the pictures.
        return (first.track,), init_segment((first.track,))
