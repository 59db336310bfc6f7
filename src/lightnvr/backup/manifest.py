"""What a backup says of itself: `manifest.json`, the last member of the ZIP file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lightnvr.backup.model import Role, UnusableBackup

MANIFEST = "manifest.json"
FORMAT = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ManifestFile(_Part):
    """One file: its name in the ZIP, where it was, how large it is in bytes, and its SHA-256."""

    role: Role
    name: Annotated[str, Field(min_length=1, max_length=255)]
    path: str
    size: int
    sha256: str


class ManifestDatabase(_Part):
    """The database: SQLite is in the ZIP, PostgreSQL is not. `rows` counts what is in the most telling tables."""

    kind: Literal["sqlite", "postgresql"]
    revision: str = ""
    rows: dict[str, int] = {}


class Manifest(_Part):
    """All of it. `created_at` is in seconds since 1970 UTC."""

    format: int = FORMAT
    product: Literal["LightNVR"] = "LightNVR"
    version: str
    created_at: int
    reason: str
    database: ManifestDatabase
    files: tuple[ManifestFile, ...]


def read_manifest(text: bytes) -> Manifest:
    """Parse a manifest. Raises UnusableBackup."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise UnusableBackup("This is no backup of LightNVR: its manifest cannot be read.") from error
    if manifest.format > FORMAT:
        raise UnusableBackup("This backup was made by a newer version of LightNVR: restore it with that version.")
    return manifest
