"""A ZIP is one that other programs read, of the size that was promised."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightnvr.playback.zip_stream import ZipEntry, file_entry, zip_size, zip_stream

CONTENTS = {"clip.mp4": b"\x00\x01" * 70_000, "Tür.txt": "grün".encode(), "empty": b""}


def _entries() -> list[ZipEntry]:
    return [
        ZipEntry(name, len(content), lambda content=content: (content[:1000], content[1000:]))  # type: ignore[misc]
        for name, content in CONTENTS.items()
    ]


def test_python_reads_it() -> None:
    content = b"".join(zip_stream(_entries()))
    assert len(content) == zip_size(_entries())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS


def test_it_is_the_same_every_time() -> None:
    assert b"".join(zip_stream(_entries())) == b"".join(zip_stream(_entries()))


def test_a_file_of_another_size_than_promised_is_noticed() -> None:
    with pytest.raises(ValueError, match="has 3 bytes instead of 4"):
        list(zip_stream([ZipEntry("short", 4, lambda: (b"abc",))]))


def test_files_have_their_times_and_are_read_in_pieces(tmp_path: Path) -> None:
    large, small = tmp_path / "large.mp4", tmp_path / "small.mp4"
    large.write_bytes(bytes(range(256)) * 5000)
    small.write_bytes(b"after it")
    modified = datetime(2026, 8, 1, 10, 15, 31, tzinfo=UTC)
    entries = [
        file_entry("large.mp4", large, 1_280_000, modified.timestamp()),
        file_entry("small.mp4", small, 5, 0.0),
        file_entry("late", small, 0, 1e11),
    ]
    pieces = list(zip_stream(entries))
    assert max(map(len, pieces)) < 2**19
    target = tmp_path / "whole.zip"
    target.write_bytes(b"".join(pieces))
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()] == [large.read_bytes(), b"after", b""]
        assert [about.date_time for about in archive.infolist()] == [
            (2026, 8, 1, 10, 15, 30),
            (1980, 1, 1, 0, 0, 0),
            (2107, 12, 31, 23, 59, 58),
        ]


def test_more_than_4_gib_are_in_the_64_bit_form(tmp_path: Path) -> None:
    # Of the content only its length matters here; the places of what follows it are those of the whole.
    size, piece = (1 << 32) + 5, bytes(1 << 25)

    def read() -> Iterator[bytes]:
        left = size
        while left:
            yield piece[: min(left, len(piece))]
            left -= min(left, len(piece))

    last = ZipEntry("last", 3, lambda: (b"abc",))
    target = tmp_path / "large.zip"
    with target.open("wb") as file:
        for part in zip_stream([ZipEntry("large", size, read), last]):
            # Zeros are left out: a file with holes takes no space.
            if len(part) < 1000:
                file.write(part)
            else:
                file.seek(len(part), 1)
    assert target.stat().st_size == zip_size([ZipEntry("large", size, read), last])
    with zipfile.ZipFile(target) as archive:
        assert archive.getinfo("large").file_size == size
        assert archive.read("last") == b"abc"
