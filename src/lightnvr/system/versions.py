"""The versions of what really runs: the program, the system below it, and the libraries it has loaded."""

import platform
import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    ("PyAV", "av"),
    ("FastAPI", "fastapi"),
    ("Pydantic", "pydantic"),
    ("SQLAlchemy", "sqlalchemy"),
    ("uvicorn", "uvicorn"),
    ("uvloop", "uvloop"),
    ("NumPy", "numpy"),
    ("aioice", "aioice"),
    ("cryptography", "cryptography"),
)


@dataclass(frozen=True, slots=True)
class VersionItem:
    """One part. `category` is Application, OS, Service or Library; `details` may be empty."""

    name: str
    category: str
    version: str
    details: str = ""


def running_versions(program: str) -> tuple[VersionItem, ...]:
    """Return all parts; `program` is the version of LightNVR. Blocks, at the first time for a third of a second."""
    found = [
        VersionItem("LightNVR", "Application", program),
        VersionItem("Base OS", "OS", _system(), f"{platform.system()} {platform.release()}"),
        VersionItem("Python", "Library", platform.python_version(), sys.implementation.name),
        VersionItem("SQLite", "Library", sqlite3.sqlite_version),
        VersionItem("OpenSSL", "Library", _openssl()),
    ]
    for name, package in _PACKAGES:
        try:
            found.append(VersionItem(name, "Library", version(package)))
        except PackageNotFoundError:
            continue
    return (*found, *_ffmpeg())


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Unknown")
    except OSError:
        return platform.platform()


def _openssl() -> str:
    import ssl  # noqa: PLC0415 - only servers with TLS have it loaded

    return ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").split()[0]


def _ffmpeg() -> list[VersionItem]:
    import av  # noqa: PLC0415 - a server without cameras has no use for it but this

    libraries: dict[str, tuple[int, int, int]] = av.library_versions
    details = f"FFmpeg {av.ffmpeg_version_info}"
    return [VersionItem(name, "Library", ".".join(map(str, libraries[name])), details) for name in sorted(libraries)]
