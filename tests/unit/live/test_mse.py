"""What a player says, and what it is shown for it."""

import json

import pytest

from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.mp4_pieces import Presentation
from lightnvr.live.mse import MseRequest

_BROWSER = "avc1.640029,avc1.64002A,avc1.640033,hvc1.1.6.L153.B0,mp4a.40.2,mp4a.40.5,flac,opus"


def _asked(value: object) -> MseRequest:
    request = MseRequest.read(json.dumps({"type": "mse", "value": value}))
    assert request is not None
    return request


def _presentation(*codecs: str) -> Presentation:
    return Presentation(tuple(b"" for _ in codecs), codecs, tuple(1000 for _ in codecs))


@pytest.mark.parametrize(
    ("listed", "codecs", "tracks"),
    [
        (_BROWSER, ("avc1.42C01F", "mp4a.40.2"), 2),
        (_BROWSER, ("hvc1.1.6.L93.B0", "opus"), 2),
        (_BROWSER, ("avc1.42C01F", "mp4a.6B"), 1),
        (_BROWSER, ("avc1.42C01F",), 1),
        ("hev1.1.6.L93.B0, Opus", ("hvc1.1.6.L93.B0", "opus"), 2),
        ("avc3.640029,mp3", ("avc1.42C01F", "mp4a.6B"), 2),
        ("av01.0.04M.08,mp4a.40.5", ("av01.0.00M.08", "mp4a.40.2"), 2),
        ("", ("hvc1.1.6.L93.B0", "mp4a.6B"), 2),
        (None, ("avc1.42C01F", "mp4a.40.2"), 2),
    ],
)
def test_tracks_are_chosen_by_what_the_player_lists(listed: object, codecs: tuple[str, ...], tracks: int) -> None:
    assert _asked(listed).tracks_of(_presentation(*codecs)) == tracks


@pytest.mark.parametrize(
    ("listed", "codec", "named"),
    [(_BROWSER, "av01.0.00M.08", "AV1"), ("mp4a.40.2", "avc1.42C01F", "H.264"), ("", "mp4v.6C", "MJPEG")],
)
def test_pictures_that_cannot_be_played_are_refused(listed: str, codec: str, named: str) -> None:
    with pytest.raises(UnsupportedTracks, match=named):
        _asked(listed).tracks_of(_presentation(codec, "mp4a.40.2"))


@pytest.mark.parametrize("message", ["", "null", "7", "[]", "{", '{"type": "hls"}', '{"value": "x"}', "[" * 100_000])
def test_other_messages_are_none(message: str) -> None:
    assert MseRequest.read(message) is None


def test_the_media_type_names_the_tracks_shown() -> None:
    presentation = _presentation("avc1.42C01F", "mp4a.40.2")
    assert presentation.media_type(1) == 'video/mp4; codecs="avc1.42C01F"'
    assert presentation.media_type(2) == 'video/mp4; codecs="avc1.42C01F,mp4a.40.2"'
