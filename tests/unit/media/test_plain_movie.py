"""Ordinary MP4 files play as fragments that are made of them, whatever made the file."""

import contextlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from lightnvr.media.mp4.made_fragments import MadeFragments
from lightnvr.media.mp4.plain_movie import NoMovie, PlainMovie, read_plain_movie
from tests.rig.film import Recipe
from tests.rig.original import write_plain_mp4
from tests.rig.playing import Played, play


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, PlainMovie]]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor, read_plain_movie(descriptor)
    finally:
        os.close(descriptor)


def as_fragments(path: Path) -> bytes:
    """The init segment and every fragment."""
    with opened(path) as (descriptor, movie):
        made = MadeFragments(movie)
        parts = [made.make(descriptor, number) for number in range(len(made))]
        assert [len(part) for part in parts] == made.sizes.tolist()
        return movie.init.content + b"".join(parts)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(seconds=4),
        Recipe(seconds=4, audio=True),
        Recipe(seconds=4, audio=True, b_frames=2, gop=30),
        Recipe(seconds=2, encoder="libx265"),
        Recipe(seconds=2, gop=1),
    ],
)
@pytest.mark.parametrize("index_first", [True, False])
def test_made_fragments_show_what_the_file_shows(tmp_path: Path, recipe: Recipe, index_first: bool) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, recipe, index_first=index_first)

    whole, made = play(path), play(as_fragments(path))

    assert made.numbers == whole.numbers == list(range(recipe.seconds * recipe.fps))
    assert _aligned(made) == pytest.approx(_aligned(whole), abs=0.002)
    assert made.samples == pytest.approx(whole.samples, abs=1024)


def _aligned(played: Played) -> list[float]:
    """When each picture is shown, from the first sound on where there is any."""
    return [time - (played.audio_start or 0) for time in played.times]


def test_each_fragment_begins_with_a_keyframe_and_says_when(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, Recipe(seconds=4))

    with opened(path) as (descriptor, movie):
        made = MadeFragments(movie)
        assert made.keyframes.all()
        assert made.starts_us.tolist() == [0, 1_000_000, 2_000_000, 3_000_000]
        assert int(made.durations_us.sum()) == 4_000_000
        middle = movie.init.content + made.make(descriptor, 2)
    assert play(middle).numbers == list(range(30, 45))


def test_files_that_are_coded_alike_have_equal_init_segments(tmp_path: Path) -> None:
    inits = []
    for number, seconds in enumerate((2, 3)):
        path = tmp_path / f"{number}.mp4"
        write_plain_mp4(path, Recipe(seconds=seconds, audio=True))
        with opened(path) as (_, movie):
            inits.append(movie.init.content)
    assert inits[0] == inits[1]


def test_what_an_edit_list_cuts_off_is_not_shown(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    write_plain_mp4(whole, Recipe(seconds=3, audio=True, b_frames=2))
    with (
        av.open(str(whole)) as source,
        av.open(str(cut), "w", format="mp4", options={"use_editlist": "1"}) as target,
    ):
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            # The sound begins before the pictures, as of an encoder that needs a piece in advance.
            if packet.stream.type == "audio":
                packet.pts, packet.dts = packet.pts - 1024, packet.dts - 1024
            packet.stream = copies[packet.stream.index]
            target.mux(packet)

    shown, made = play(cut), play(as_fragments(cut))

    assert made.numbers == shown.numbers
    assert _aligned(made) == pytest.approx(_aligned(shown), abs=0.07)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it has no index"),
        (b"no movie at all, just some words", "it is no MP4"),
        (struct.pack(">I4sQ", 16, b"ftyp", 0) + struct.pack(">I4s", 999, b"mdat") + bytes(100), "it has no index"),
        (struct.pack(">I4sQ", 16, b"ftyp", 0) + struct.pack(">I4s", 999, b"moov") + bytes(100), "cut off"),
        (struct.pack(">I4sQ", 16, b"ftyp", 0) + struct.pack(">I4s", 108, b"moov") + bytes(100), "damaged"),
    ],
)
def test_what_is_no_movie_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "other.mp4"
    path.write_bytes(content)

    with pytest.raises(NoMovie, match=said), opened(path):
        pass


@pytest.mark.parametrize("box", [b"stsz", b"stts", b"stsc", b"stco", b"stss", b"ctts", b"elst", b"hdlr", b"mdhd"])
def test_damage_of_any_table_is_noticed_or_does_no_harm(tmp_path: Path, box: bytes) -> None:
    path = tmp_path / "plain.mp4"
    write_plain_mp4(path, Recipe(seconds=2, audio=True, b_frames=2))
    content = bytearray(path.read_bytes())
    at = content.find(box)
    if at < 0:
        pytest.skip(f"FFmpeg writes no {box.decode()} here")
    content[at + 4 : at + 16] = b"\xff" * 12
    path.write_bytes(content)

    with contextlib.suppress(NoMovie, OSError):
        assert as_fragments(path)
