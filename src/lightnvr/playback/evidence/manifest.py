"""The manifest of a piece of evidence: what is in it and where it comes from, as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from lightnvr.playback.clip import Clip, ClipPart
from lightnvr.recording.service import Digest

FORMAT = "lightnvr-evidence"
VERSION = 1
MANIFEST, SIGNATURE, PUBLIC_KEY, README = "manifest.json", "manifest.sig", "public-key.pem", "README.txt"

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = (
    "Times are UTC, from the clock of the recorder: a recording has the time at which its first picture arrived, and "
    "from there on the timestamps of the camera count. Seconds in the clip count from its first picture. Where a part "
    "begins more than a quarter of a second after the one before it ends, nothing was recorded in between, and the "
    "clip goes on at once."
)


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file of the evidence: `sha256` in hexadecimal."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """What is known of a piece of evidence before its media is read. Times are microseconds since 1970 UTC.

    `digests` are those of the recordings, by id, from when they were closed.
    """

    stream_name: str
    start_us: int
    end_us: int
    made_us: int
    made_by: str
    clip: Clip
    clip_name: str
    digests: Mapping[int, Digest]


def manifest(
    facts: EvidenceFacts, files: Sequence[PackedFile], sources: Mapping[int, str | None], fingerprint: str
) -> bytes:
    """Return the manifest; `sources` has the SHA-256 that each recording's file has now, None while it is written.

    Its size depends on no SHA-256.
    """
    clip = facts.clip
    content: Mapping[str, Json] = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": utc(facts.made_us),
        "made_by": facts.made_by,
        "camera": facts.stream_name,
        "asked_for": {"start": utc(facts.start_us), "end": utc(facts.end_us)},
        "clip": {
            "file": facts.clip_name,
            "first_picture_at": utc(clip.parts[0].first_us),
            "ends_at": utc(clip.parts[-1].end_us),
            "duration_s": round(clip.duration_s, 6),
            "pictures": sum(part.pictures for part in clip.parts),
            "codec": clip.parts[0].recording.codec,
            "time_base": f"1/{clip.timescale}",
        },
        "times": _TIMES,
        "sources": [_source(part, facts.digests, sources) for part in clip.parts],
        "files": [{"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256} for file in files],
        "signer": {"algorithm": "Ed25519", "fingerprint": fingerprint},
    }
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def utc(microseconds: int) -> str:
    """Return `2026-08-01T10:00:00.000000Z`, always of the same length."""
    return f"{_EPOCH + timedelta(microseconds=microseconds):%Y-%m-%dT%H:%M:%S.%fZ}"


def _source(part: ClipPart, digests: Mapping[int, Digest], sources: Mapping[int, str | None]) -> Json:
    recording = part.recording
    digest = digests.get(recording.id)
    return {
        "recording": recording.id,
        "file": recording.path,
        "from": utc(part.first_us),
        "to": utc(part.end_us),
        "clip_from_s": round(part.clip_from_s, 6),
        "clip_to_s": round(part.clip_to_s, 6),
        "being_recorded": not recording.complete,
        "sha256_when_closed": None if digest is None else digest.sha256,
        "sha256_taken_at": None if digest is None else utc(digest.taken_at * 1_000_000),
        "sha256_when_exported": sources[recording.id],
    }
