"""Live fMP4 as one viewer sees it: from time zero on, without a hole, whatever was lost in between."""

from collections.abc import Iterable
from itertools import pairwise

import pytest

from lightnvr.live.mp4_output import Mp4Output
from lightnvr.live.mp4_pieces import CameraGone, LiveFragment, Mp4Piece, Unplayable
from lightnvr.live.mp4_timeline import ViewerTimeline
from lightnvr.live.viewer_queue import ViewerQueue
from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from lightnvr.media.packets import MediaItem, TracksChanged
from tests.rig.film import Recipe, film
from tests.rig.playing import Played, play

pytestmark = pytest.mark.anyio

_SOUND = Recipe(audio=True)


async def _pieces(items: Iterable[MediaItem]) -> list[Mp4Piece]:
    output = Mp4Output()
    queue: ViewerQueue[Mp4Piece] = ViewerQueue(1 << 30)
    with output.viewed_through(queue):
        for item in items:
            output.take([item])
        output.close()
        found: list[Mp4Piece] = []
        while (piece := await queue.take()) is not None:
            found.append(piece)
    return found


class _Viewer:
    """What one viewer was sent."""

    def __init__(self, pieces: Iterable[Mp4Piece], *, tracks: int = 2) -> None:
        timeline = ViewerTimeline()
        self.content = b""
        self.runs: dict[int, list[TrackRun]] = {1: [], 2: []}
        for piece in pieces:
            if not isinstance(piece, LiveFragment):
                continue
            shown = min(tracks, len(piece.presentation.codecs))
            self.content = self.content or piece.presentation.init(shown)
            fragment = timeline.place(piece, shown)
            for run in parse_moof(fragment[: int.from_bytes(fragment[:4], "big")]):
                self.runs[run.track_id].append(run)
            self.content += fragment
        self.seconds = timeline.seconds

    def played(self) -> Played:
        return play(self.content)

    def assert_without_holes(self) -> None:
        for runs in self.runs.values():
            for before, after in pairwise(runs):
                assert after.decode_time == before.decode_time + before.duration


def _fragments(pieces: Iterable[Mp4Piece]) -> list[LiveFragment]:
    return [piece for piece in pieces if isinstance(piece, LiveFragment)]


async def test_a_viewer_that_comes_at_any_keyframe_begins_at_zero() -> None:
    fragments = _fragments(await _pieces(film(_SOUND).after(1000).items))
    for begin in (0, 15, 45):
        viewer = _Viewer(fragments[begin:])
        assert viewer.played().numbers == list(range(begin, 60))
        assert min(viewer.runs[1][0].decode_time, viewer.runs[2][0].decode_time) == 0
        assert viewer.played().times[0] < 0.3
        viewer.assert_without_holes()


@pytest.mark.parametrize("recipe", [Recipe(), _SOUND, Recipe(b_frames=2, audio=True)])
async def test_what_a_viewer_lost_leaves_no_hole(recipe: Recipe) -> None:
    fragments = _fragments(await _pieces(film(recipe).items))
    viewer = _Viewer([*fragments[:20], *fragments[45:]])
    played = viewer.played()

    # B-frames come after the picture that they are shown before.
    assert set(played.numbers) >= {*range(17), *range(45, 60)}
    assert not set(played.numbers) & {*range(23, 45)}
    assert max(after - one for one, after in pairwise(sorted(played.times))) < 0.3
    viewer.assert_without_holes()


async def test_a_camera_that_is_back_goes_on_with_the_same_headers() -> None:
    shown = film(_SOUND)
    pieces = await _pieces([*shown.after(50).items, TracksChanged(()), *shown.items])
    viewer = _Viewer(pieces)

    assert [type(piece) for piece in pieces if not isinstance(piece, LiveFragment)] == [CameraGone]
    assert len({id(fragment.presentation) for fragment in _fragments(pieces)}) == 1
    assert viewer.played().numbers == [*range(60), *range(60)]
    assert viewer.seconds == pytest.approx(8, abs=0.2)
    viewer.assert_without_holes()


async def test_other_headers_go_on_in_the_same_time() -> None:
    small, large = film(_SOUND), film(Recipe(audio=True, width=320, height=240))
    fragments = _fragments(await _pieces([*small.items, *large.after(77).items]))
    viewer = _Viewer(fragments)

    assert fragments[59].presentation.init(1) != fragments[60].presentation.init(1)
    viewer.assert_without_holes()


async def test_sound_can_be_left_out() -> None:
    viewer = _Viewer(await _pieces(film(_SOUND).items), tracks=1)

    assert viewer.played().samples == 0
    assert viewer.played().numbers == list(range(60))


async def test_what_does_not_fit_into_mp4_is_told_to_everybody() -> None:
    shown = film(Recipe())
    broken = shown.tracks[0].__class__(**{
        **{name: getattr(shown.tracks[0], name) for name in shown.tracks[0].__dataclass_fields__}, "extradata": b"\x01"
    })  # fmt: skip
    output = Mp4Output()
    output.take([TracksChanged((broken,)), *shown.packets])
    queue: ViewerQueue[Mp4Piece] = ViewerQueue(1 << 20)
    with output.viewed_through(queue):
        piece = await queue.take()
    assert isinstance(piece, Unplayable)
