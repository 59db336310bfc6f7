"""The samples of a file are the same whether its fragments say where they are or its closing table."""

import dataclasses

import numpy as np
import pytest

from lightnvr.media.mp4.boxes import MalformedBox, children
from lightnvr.media.mp4.sample_columns import SampleColumns, columns_of_moov, columns_of_runs
from lightnvr.media.mp4.track_runs import parse_moof
from tests.rig.film import Recipe
from tests.rig.segments import Written, closed_file, write

RECIPES = [Recipe(), Recipe(audio=True), Recipe(b_frames=2), Recipe("libx265", b_frames=2, audio=True)]


def _from_fragments(written: Written) -> list[SampleColumns]:
    segment = written.segment.recording.segment
    fragments = []
    for fragment in segment.index:
        content = written.file.read_at(fragment.offset, fragment.size)
        fragments.append((fragment.offset, parse_moof(content[: int.from_bytes(content[:4], "big")])))
    return columns_of_runs(segment.init, fragments)


def _moov(content: bytes) -> bytes:
    (found,) = (child for child in children(content, 0, len(content)) if child.type == b"moov")
    return content[found.start : found.end]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_fragments_and_the_closing_table_tell_the_same(recipe: Recipe) -> None:
    written = write(recipe)
    init = written.segment.recording.segment.init
    open_columns, closed = _from_fragments(written), columns_of_moov(init, _moov(closed_file(recipe)))
    assert len(open_columns) == len(closed) == 1 + recipe.audio
    for one, other in zip(open_columns, closed, strict=True):
        for member in dataclasses.fields(SampleColumns):
            assert np.array_equal(getattr(one, member.name), getattr(other, member.name)), member.name
    assert len(closed[0]) == written.film.frames
    assert int(closed[0].syncs.sum()) == written.film.frames // recipe.gop


@pytest.mark.parametrize("kind", [b"stts", b"stsc", b"stsz", b"co64", b"mvhd", b"stbl"])
def test_a_table_that_lacks_something_is_refused(kind: bytes) -> None:
    recipe = Recipe(audio=True)
    init = write(recipe).segment.recording.segment.init
    moov = _moov(closed_file(recipe))
    for spoiled in (moov.replace(kind, b"skip"), moov[: moov.index(kind) + 12]):
        with pytest.raises(MalformedBox):
            columns_of_moov(init, spoiled)
