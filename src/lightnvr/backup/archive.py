"""The file that a backup is: a ZIP that any program can open."""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lightnvr.backup.manifest import MANIFEST, Manifest, ManifestFile, read_manifest
from lightnvr.backup.model import KeptFile, UnusableBackup

_CHUNK = 1024 * 1024
_FASTEST = 1
_MANIFEST_BYTES = 1024 * 1024
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)


def write_archive(
    target: Path,
    files: Mapping[KeptFile, Path],
    manifest: Callable[[tuple[ManifestFile, ...]], Manifest],
    rest: Callable[[], None],
) -> None:
    """Write a new file, readable by its owner only, and sync it. Blocks. Raises OSError, and what `rest` raises.

    `files` says where the content of each is read; `manifest` makes the manifest once their hashes are known.
    """
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST) as archive:
            written = tuple(_add(archive, kept, source, file, rest) for kept, source in files.items())
            archive.writestr(MANIFEST, manifest(written).model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())


def _add(
    archive: zipfile.ZipFile, kept: KeptFile, source: Path, whole: IO[bytes], rest: Callable[[], None]
) -> ManifestFile:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as content, archive.open(kept.name, "w", force_zip64=True) as member:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            member.write(chunk)
            # Little by little, as the database is copied.
            os.fdatasync(whole.fileno())
            rest()
    return ManifestFile(role=kept.role, name=kept.name, path=str(kept.path), size=size, sha256=digest.hexdigest())


class Archive:
    """A backup that is open for reading."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def check(self, rest: Callable[[], None]) -> None:
        """Read everything and compare it with the manifest. Blocks. Raises UnusableBackup, OSError."""
        for file in self.manifest.files:
            for _ in self._read(file):
                rest()

    def extract(self, file: ManifestFile, target: Path) -> None:
        """Write one file to a new file, readable by its owner only, and sync it. Raises UnusableBackup, OSError."""
        target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            for chunk in self._read(file):
                written.write(chunk)
            written.flush()
            os.fsync(written.fileno())

    def _read(self, file: ManifestFile) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._archive.open(file.name) as member:
                while chunk := member.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    if size > file.size:
                        break
                    yield chunk
        except KeyError as error:
            raise UnusableBackup(f"The backup is damaged: {file.name} is missing.") from error
        except _ZIP_ERRORS as error:
            raise UnusableBackup(f"The backup is damaged: {file.name} cannot be read, {error}.") from error
        if (size, digest.hexdigest()) != (file.size, file.sha256):
            raise UnusableBackup(f"The backup is damaged: {file.name} is not what was put into it.")


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open a backup for reading. Raises UnusableBackup, OSError."""
    try:
        archive = zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise UnusableBackup(f"{path.name} is no backup of LightNVR, or is damaged: {error}.") from error
    with archive:
        try:
            info = archive.getinfo(MANIFEST)
        except KeyError:
            raise UnusableBackup(f"{path.name} is no backup of LightNVR: it has no {MANIFEST}.") from None
        if info.file_size > _MANIFEST_BYTES:
            raise UnusableBackup(f"{path.name} is no backup of LightNVR: its {MANIFEST} is too large.")
        try:
            text = archive.read(info)
        except _ZIP_ERRORS as error:
            raise UnusableBackup(f"{path.name} is damaged: its {MANIFEST} cannot be read.") from error
        yield Archive(archive, read_manifest(text))
