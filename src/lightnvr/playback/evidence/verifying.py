"""Checking a piece of evidence. Needs nothing but its files."""

import errno
import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from lightnvr.playback.evidence.manifest import FORMAT, MANIFEST, PUBLIC_KEY, SIGNATURE, VERSION
from lightnvr.playback.evidence.signing import PublicKey, UnusableEvidenceKey
from lightnvr.playback.zip_stream import ZipEntry, zip_stream

_PIECE_BYTES = 1024 * 1024
_MOST_MANIFEST_BYTES = 64 * 1024 * 1024


class NotEvidence(Exception):
    """There is no evidence of LightNVR at this path; the text says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _File(_Part):
    name: str
    size_bytes: int
    sha256: str


class _Source(_Part):
    recording: int
    sha256_when_closed: str | None
    sha256_when_exported: str | None


class _Clip(_Part):
    file: str
    first_picture_at: str
    ends_at: str
    pictures: int


class _Signer(_Part):
    fingerprint: str


class _Manifest(_Part):
    format: str
    version: int
    made_at: str
    camera: str
    clip: _Clip
    sources: list[_Source]
    files: list[_File]
    signer: _Signer


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found. `problems` are sentences, none when nothing was changed; `remarks` are worth knowing.

    `facts` says what the evidence shows, as far as its manifest can be read.
    """

    fingerprint: str
    facts: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


class _Files(Protocol):
    """The files of a piece of evidence, packed or not."""

    def names(self) -> list[str]: ...

    def size(self, name: str) -> int: ...

    def open(self, name: str) -> IO[bytes]: ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return sorted(each.name for each in self._path.iterdir() if each.is_file())

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> list[str]:
        return self._archive.namelist()

    def size(self, name: str) -> int:
        return self._archive.getinfo(name).file_size

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


def verify(path: Path, pinned: str | None = None) -> Verified:
    """Check the evidence in a ZIP or in a folder; `pinned` is the fingerprint that its key must have.

    Blocks. Raises NotEvidence, OSError.
    """
    if path.is_dir():
        return _verify(_Folder(path), pinned)
    try:
        with zipfile.ZipFile(path) as archive:
            files = _Zip(archive)
            found = _verify(files, pinned)
            problems = () if found.problems or _is_as_written(path, files) else (_REPACKED,)
    except _DAMAGED as error:
        raise NotEvidence(f"{path} is no whole ZIP: {error}.") from error
    except OSError as error:
        # Seeking to where a damaged offset leads to; a disk that fails has another number.
        if error.errno in {None, errno.EINVAL}:
            raise NotEvidence(f"{path} is no whole ZIP.") from error
        raise
    return Verified(found.fingerprint, found.facts, found.problems + problems, found.remarks)


_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What reading a ZIP ends in when its bytes are no longer what they were."""

_REPACKED = (
    "The ZIP is not as LightNVR wrote it: it was changed, or packed again. The files in it are unchanged; unpack it "
    "and check the folder."
)


def _verify(files: _Files, pinned: str | None) -> Verified:
    names = files.names()
    missing = [name for name in (MANIFEST, SIGNATURE, PUBLIC_KEY) if name not in names]
    if missing:
        raise NotEvidence(f"This is no evidence of LightNVR: {missing[0]} is missing.")
    written = _read(files, MANIFEST)
    try:
        key = PublicKey.read(_read(files, PUBLIC_KEY))
    except UnusableEvidenceKey as error:
        return Verified("", (), (f"{PUBLIC_KEY} was changed. {error}",), ())
    if not key.has_signed(written, _read(files, SIGNATURE)):
        return Verified(
            key.fingerprint,
            (),
            (f"The signature does not fit: {MANIFEST}, {SIGNATURE} or {PUBLIC_KEY} was changed.",),
            (),
        )
    content = _parse(written)
    problems: list[str] = []
    if key.pem != _read(files, PUBLIC_KEY):
        problems.append(f"{PUBLIC_KEY} was changed, although it still holds the same key.")
    if content.signer.fingerprint != key.fingerprint:
        problems.append("The manifest names another key than the one it was signed with.")
    if pinned is not None and pinned != key.fingerprint:
        problems.append(f"It was signed with another key than the one you expect, which is {pinned}.")
    remarks: list[str] = []
    for file in content.files:
        problems += _changed(files, file, names)
    for source in content.sources:
        if source.sha256_when_exported is None:
            remarks.append(f"Recording {source.recording} was still being recorded when this was exported.")
        elif source.sha256_when_closed is None:
            remarks.append(f"No checksum had been taken of recording {source.recording} when it was closed.")
        elif source.sha256_when_closed != source.sha256_when_exported:
            problems.append(
                f"The file of recording {source.recording} had been changed on the recorder before this was exported."
            )
    known = {MANIFEST, SIGNATURE, PUBLIC_KEY, *(file.name for file in content.files)}
    remarks += [f"{name} is no part of the evidence." for name in names if name not in known]
    clip = content.clip
    facts = (
        f"Camera {content.camera}, {clip.first_picture_at} to {clip.ends_at}, {clip.pictures} pictures in {clip.file}",
        f"exported {content.made_at}",
    )
    return Verified(key.fingerprint, facts, tuple(problems), tuple(remarks))


def _read(files: _Files, name: str) -> bytes:
    if files.size(name) > _MOST_MANIFEST_BYTES:
        raise NotEvidence(f"{name} is too large to be of LightNVR.")
    with files.open(name) as file:
        return file.read()


def _parse(written: bytes) -> _Manifest:
    try:
        content = _Manifest.model_validate(json.loads(written))
    except (ValueError, ValidationError) as error:
        raise NotEvidence(f"{MANIFEST} is none of LightNVR.") from error
    if content.format != FORMAT or content.version != VERSION:
        raise NotEvidence(f"{MANIFEST} is of version {content.version}; use the LightNVR that made it, or a later one.")
    return content


def _changed(files: _Files, file: _File, names: list[str]) -> list[str]:
    if file.name not in names:
        return [f"{file.name} is missing."]
    size = files.size(file.name)
    if size != file.size_bytes:
        return [f"{file.name} was changed: it has {size} bytes instead of {file.size_bytes}."]
    found = hashlib.sha256()
    try:
        with files.open(file.name) as content:
            while piece := content.read(_PIECE_BYTES):
                found.update(piece)
    except _DAMAGED:
        return [f"{file.name} was changed."]
    return [] if found.hexdigest() == file.sha256 else [f"{file.name} was changed."]


def _is_as_written(path: Path, files: _Zip) -> bool:
    """Whether every byte of a ZIP is one that LightNVR writes for these files."""

    def pieces(name: str) -> Iterator[bytes]:
        with files.open(name) as content:
            while piece := content.read(_PIECE_BYTES):
                yield piece

    entries = [ZipEntry(name, files.size(name), partial(pieces, name)) for name in files.names()]
    with path.open("rb") as whole:
        for piece in zip_stream(entries):
            if whole.read(len(piece)) != piece:
                return False
        return not whole.read(1)
