"""One segment while it is recorded: packets in, a file that grows out."""

from collections.abc import Sequence

from lightnvr.media.mp4.muxer import Fragment, FragmentedMuxer
from lightnvr.media.packets import MediaPacket, Track
from lightnvr.recording.disk import Disk
from lightnvr.recording.identity import Identity, with_identity
from lightnvr.recording.open_recordings import OpenRecording, Progress, RecordingFacts
from lightnvr.recording.segment_file import SegmentFile

_SET_BACK_US = 12 * 3600 * 1_000_000
"""A clock this far before the beginning of the segment was set back while it was recorded."""


class Segment:
    """Muxes packets into one file from the video keyframe `origin` on. Belongs to one recorder's thread.

    Fragments that the disk does not take stay in memory in order, so that writing can be tried again.
    """

    def __init__(
        self, disk: Disk, facts: RecordingFacts, tracks: Sequence[Track], origin: MediaPacket, fragment_duration_us: int
    ) -> None:
        """Make the file. Raises OSError, MuxFailed."""
        self.tracks = tuple(tracks)
        self.origin = origin
        self.refused_audio = 0
        self.end_limit_us: int | None = None
        """When the next segment begins: this one must not end later."""
        self._muxer = FragmentedMuxer(tracks, origin, fragment_duration_us)
        file = disk.create(facts.absolute_path)
        segment_file = SegmentFile(file, with_identity(self._muxer.init, _identity(facts)))
        try:
            segment_file.write_head()
        except OSError:
            file.close()
            disk.remove(facts.absolute_path)
            raise
        self.recording = OpenRecording(facts, segment_file)
        self._unwritten: list[Fragment] = []

    @property
    def next_cut_dts(self) -> int:
        """The dts, in the video track's time base, of the picture that completes the next fragment."""
        return self._muxer.next_cut_dts

    @property
    def unwritten_bytes(self) -> int:
        """What the disk has not taken yet."""
        return sum(len(fragment.content) for fragment in self._unwritten)

    def age_s(self, packet: MediaPacket) -> float:
        """How long after the segment's beginning a packet comes, in seconds of media."""
        return float(packet.time - self.origin.time)

    def add(self, packet: MediaPacket) -> None:
        """Mux a packet. Raises MuxFailed."""
        self._muxer.mux(packet)

    def flush(self) -> None:
        """Let what has come so far be written next, without waiting for what completes its fragment."""
        self._muxer.flush()

    def write(self, now_us: int) -> None:
        """Write the fragments that are finished. Raises OSError; what is not written is kept."""
        self._unwritten += self._muxer.take_fragments()
        self._flush(now_us)

    def finish(self, now_us: int) -> None:
        """End the media and write all of it. Raises OSError (may be called again), MuxFailed."""
        self._unwritten += self._muxer.finish()
        self._flush(now_us)

    def end_early(self) -> None:
        """Let the recording end where the next one begins, of which some was written here as well."""
        facts, progress = self.recording.facts, self.recording.progress
        if self.end_limit_us is not None:
            end_us = max(facts.start_us, min(progress.end_us, self.end_limit_us))
            self.recording.progress = Progress(end_us, progress.size_bytes)

    def _flush(self, now_us: int) -> None:
        if not self._unwritten:
            return
        recording = self.recording
        while self._unwritten:
            fragment = self._unwritten[0]
            recording.segment.append(fragment.content, fragment.runs)
            del self._unwritten[0]
        start_us = recording.facts.start_us
        end_us = start_us + recording.segment.media_end_us
        if start_us - now_us < _SET_BACK_US:
            # A camera that floods must not make a recording end in the future.
            end_us = min(end_us, max(now_us, start_us))
        if self.end_limit_us is not None:
            end_us = min(end_us, self.end_limit_us)
        recording.progress = Progress(end_us, recording.segment.length)


def _identity(facts: RecordingFacts) -> Identity:
    return Identity(facts.stream_name, facts.start_us, facts.capture_method, facts.schedule_restricted, facts.fps)
