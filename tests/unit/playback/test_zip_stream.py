"""The ZIP of evidence is one that other programs read, of the size that was promised."""

import io
import zipfile

import pytest

from lightnvr.playback.evidence.zip_stream import ZipEntry, zip_size, zip_stream

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
