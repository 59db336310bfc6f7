"""Sound is taken out of files without moving anything, whatever made the file."""

import os
from pathlib import Path

import pytest

from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.media.mp4.made_fragments import MadeFragments
from lightnvr.media.mp4.plain_movie import NoMovie, read_plain_movie
from lightnvr.media.mp4.silencing import has_only_pictures, keep_only, silence_fragment, silence_moov, video_ids
from lightnvr.media.mp4.silent_movie import SilentMovie
from tests.rig.film import Recipe
from tests.rig.original import write_plain_mp4
from tests.rig.playing import play

_WITH_SOUND = Recipe(seconds=4, audio=True)


@pytest.mark.parametrize("index_first", [True, False])
def test_an_ordinary_file_is_as_long_and_shows_the_same_without_sound(tmp_path: Path, index_first: bool) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, _WITH_SOUND, index_first=index_first)
    heard = play(path)
    assert heard.samples

    silent = _silent(path)

    assert len(silent) == path.stat().st_size
    seen = play(silent)
    assert seen.numbers == heard.numbers
    assert not seen.samples
    assert b"mp4a" not in silent
    assert b"soun" not in silent


def test_any_part_of_a_file_is_a_part_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, _WITH_SOUND)
    silent = _silent(path)
    for start, stop in ((0, 10), (5, 30_000), (len(silent) - 300, len(silent)), (len(silent) // 2, len(silent))):
        assert _silent(path, start, stop) == silent[start:stop]


def test_fragments_that_are_made_of_a_file_are_silent_too(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, _WITH_SOUND)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        movie = read_plain_movie(descriptor)
        made = MadeFragments(movie)
        fragments = [bytearray(made.make(descriptor, number)) for number in range(len(made))]
    finally:
        os.close(descriptor)
    assert not has_only_pictures(movie.init)
    init, sizes = bytearray(movie.init.content), [len(fragment) for fragment in fragments]
    for fragment in fragments:
        silence_fragment(fragment, video_ids(movie.init))
    silence_moov(init, video_ids(movie.init))

    assert [len(fragment) for fragment in fragments] == sizes
    seen = play(bytes(init) + b"".join(fragments))
    assert seen.numbers == list(range(60))
    assert not seen.samples


def test_a_file_in_which_the_pictures_cannot_be_told_from_the_sound_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, _WITH_SOUND, index_first=False)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole.replace(b"stsz", b"stsx"), whole.replace(b"vide", b"soun"), b""):
        path.write_bytes(damaged)
        with pytest.raises(NoMovie):
            _silent(path)


def test_what_is_no_fragment_is_not_taken_for_one() -> None:
    with pytest.raises(MalformedBox):
        silence_fragment(bytearray(b"\0\0\0\x10mdat12345678"), frozenset({1}))
    with pytest.raises(MalformedBox):
        silence_fragment(bytearray(b"\0\0\0\x10moof1234567"), frozenset({1}))


def test_only_what_is_named_is_kept() -> None:
    content = bytearray(b"head0123456789")
    keep_only(content, 4, [(8, 2), (5, 1)])
    assert content == b"head\x001\x00\x0045\x00\x00\x00\x00"


def _silent(path: Path, start: int = 0, stop: int | None = None) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        movie = SilentMovie.of(descriptor)
        return b"".join(movie.read(descriptor, start, path.stat().st_size if stop is None else stop))
    finally:
        os.close(descriptor)
