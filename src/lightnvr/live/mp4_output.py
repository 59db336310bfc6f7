"""fMP4 as it happens: one fragment for each picture, made once for all who watch."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from lightnvr.live.mp4_pieces import CameraGone, LiveFragment, Mp4Piece, Presentation, Unplayable
from lightnvr.live.output import OutputKind
from lightnvr.live.shared_output import SharedPieces
from lightnvr.live.viewer_queue import ViewerQueue
from lightnvr.media.codec_strings import codec_strings
from lightnvr.media.mp4.movie_fragment import Run
from lightnvr.media.mp4.muxer import MuxFailed, init_segment
from lightnvr.media.mp4.timelines import AudioTimeline, VideoTimeline
from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged


class Mp4Output:
    """Makes a fragment of each picture the moment it comes, with the sound that came before it. Implements `Output`.

    FFmpeg's muxer would keep a picture back until the next one tells how long it lasts; see VideoTimeline.
    """

    def __init__(self) -> None:
        self._pieces: SharedPieces[Mp4Piece] = SharedPieces()
        self._presentation: Presentation | None = None
        self._number = 0
        self._tracks: tuple[Track, ...] = ()
        self._video: VideoTimeline | None = None
        self._audio: AudioTimeline | None = None

    def viewed_through(self, queue: ViewerQueue[Mp4Piece]) -> AbstractContextManager[None]:
        """Fill a queue for as long as the context is open, from the latest keyframe on."""
        return self._pieces.viewed_through(queue)

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output."""
        for item in items:
            if isinstance(item, TracksChanged):
                self._change(item.tracks)
            elif item.track.kind == "video":
                self._add_picture(item)
            elif self._audio is not None:
                self._audio.add(item)

    def close(self) -> None:
        """See Output."""
        self._pieces.close()

    def _change(self, tracks: tuple[Track, ...]) -> None:
        self._tracks = tracks
        self._video = self._audio = None
        self._pieces.forget()
        if not tracks:
            self._pieces.tell(CameraGone())
            return
        try:
            presentation = present(tracks)
        except MuxFailed as error:
            self._presentation = None
            self._pieces.add(Unplayable(f"What the camera sends does not fit into MP4: {error}"))
            return
        if presentation != self._presentation:
            self._presentation = presentation

    def _add_picture(self, packet: MediaPacket) -> None:
        presentation = self._presentation
        if presentation is None:
            return
        if self._video is None:
            if not packet.is_keyframe:
                return
            self._begin(packet, presentation)
        video, audio = self._video, self._audio
        if video is None:
            return
        runs = [video.run(packet)]
        starts, ends = [runs[0].decode_time], [video.end]
        if audio is not None:
            starts.append(audio.end)
            if (heard := audio.take_run()) is not None:
                starts[1] = heard.decode_time
                runs.append(heard)
            ends.append(audio.end)
        self._number += 1
        self._pieces.add(
            LiveFragment(
                presentation,
                self._number,
                packet.is_keyframe,
                _size(runs),
                tuple(starts),
                tuple(ends),
                tuple(runs),
            )
        )

    def _begin(self, packet: MediaPacket, presentation: Presentation) -> None:
        # A number is left out, so that viewers notice that the time line begins anew.
        self._number += 1
        self._video = VideoTimeline(packet, 1, presentation.scales[0])
        if len(presentation.scales) > 1:
            audio = next(track for track in self._tracks if track.kind == "audio")
            self._audio = AudioTimeline(audio, 2, presentation.scales[1], self._video.end / presentation.scales[0])


MP4 = OutputKind("mp4", Mp4Output)


def present(tracks: Sequence[Track]) -> Presentation:
    """Return how these tracks are presented. Raises MuxFailed when they do not fit into MP4."""
    ordered = sorted(tracks, key=lambda track: track.kind != "video")[:2]
    inits = [init_segment(ordered[:count]) for count in range(1, len(ordered) + 1)]
    names = codec_strings(inits[-1].content)
    headers = inits[-1].tracks
    return Presentation(
        inits=tuple(init.content for init in inits),
        codecs=tuple(names[header.track_id] for header in headers),
        scales=tuple(header.timescale for header in headers),
    )


def _size(runs: Sequence[Run]) -> int:
    return sum(len(sample.content) for run in runs for sample in run.samples)
