"""Where samples lie in the decoding time of a live file whose next sample is not there yet.

Every sample begins where the one before it ended. Players take a decode time that is further on than they expected for
a break, and then throw pictures away until the next keyframe (Media Source Extensions, coded frame processing).
"""

from lightnvr.media.mp4.movie_fragment import Run, Sample
from lightnvr.media.mp4.samples import sample_form
from lightnvr.media.packets import MediaPacket, Track

_USUAL_FPS = 25
_MOST_STRETCH_S = 1.0
"""Sound that was silent for longer begins anew: a player that waits for it has stopped anyway."""


class VideoTimeline:
    """The pictures. Each is to be decoded from the dts of the one before until its own, and shown at its pts.

    So its duration is known when it comes, whatever the camera does next.
    """

    def __init__(self, first: MediaPacket, track_id: int, scale: int) -> None:
        self._track_id = track_id
        self._form = sample_form(first.track)
        base = first.track.time_base
        self._numerator, self._denominator = scale * base.numerator, base.denominator
        duration = first.duration * self._numerator // self._denominator
        self.end = self._scaled(first.dts) - (duration if 0 < duration <= scale else scale // _USUAL_FPS)

    def run(self, packet: MediaPacket) -> Run:
        """Return the run of the next picture."""
        begin, dts = self.end, self._scaled(packet.dts)
        self.end = max(dts, begin + 1)
        sample = Sample(
            self._form(packet.payload), self.end - begin, self._scaled(packet.pts) - begin, packet.is_keyframe
        )
        return Run(self._track_id, begin, (sample,))

    def _scaled(self, ticks: int) -> int:
        return ticks * self._numerator // self._denominator


class AudioTimeline:
    """The sound. How long it lasts is known; what is missing in between is added to the sample that follows."""

    def __init__(self, track: Track, track_id: int, scale: int, begin_s: float) -> None:
        """What is over before `begin_s`, seconds of the camera's time line, is left out."""
        self._track_id = track_id
        self._form = sample_form(track)
        self._numerator, self._denominator = scale * track.time_base.numerator, track.time_base.denominator
        self._most_stretch = int(scale * _MOST_STRETCH_S)
        self._usual_duration = 1024
        self._waiting: list[Sample] = []
        self._waiting_from = 0
        self.end = int(begin_s * scale)

    def add(self, packet: MediaPacket) -> None:
        """Take the next packet."""
        dts = packet.dts * self._numerator // self._denominator
        duration = packet.duration * self._numerator // self._denominator or self._usual_duration
        self._usual_duration = duration
        if not self._waiting:
            if dts - self.end > self._most_stretch:
                self.end = dts
            self._waiting_from = self.end
        begin, end = self.end, dts + duration
        if end <= begin:
            return
        gap = dts - begin
        self._waiting.append(
            Sample(self._form(packet.payload), end - begin, gap if gap > duration // 2 else 0, is_sync=True)
        )
        self.end = end

    def take_run(self) -> Run | None:
        """Return what came since the last call, None when nothing did."""
        if not self._waiting:
            return None
        run, self._waiting = Run(self._track_id, self._waiting_from, self._waiting), []
        return run
