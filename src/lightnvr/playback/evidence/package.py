"""Packing a piece of evidence: the clip, its manifest, the signature and what is needed to check it."""

import hashlib
from collections.abc import Generator, Iterator

from lightnvr.playback.clip import Clip
from lightnvr.playback.evidence.manifest import (
    MANIFEST,
    PUBLIC_KEY,
    README,
    SIGNATURE,
    EvidenceFacts,
    PackedFile,
    manifest,
)
from lightnvr.playback.evidence.signing import SIGNATURE_BYTES, SigningKey
from lightnvr.playback.zip_stream import ZipEntry, zip_size, zip_stream

_NO_SHA256 = "0" * 64
_README = f"""\
This is a clip recorded by LightNVR, with what is needed to check that nothing in it was changed.

{MANIFEST} says what was recorded when, and the SHA-256 of each file. {SIGNATURE} is its signature, made with the
Ed25519 key of the recorder; {PUBLIC_KEY} is the public half of that key.

With LightNVR, anywhere:
  lightnvr verify FILE.zip

Without it, in a folder with these files:
  openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {MANIFEST} -sigfile {SIGNATURE}
  sha256sum *.mp4   (compare with {MANIFEST})

That the key is the recorder's own, only its owner can tell: `lightnvr evidence-key` shows its fingerprint there.
""".encode()


class EvidencePackage:
    """A ZIP with a clip and its signed manifest. It is made while it is read, which can be done once."""

    def __init__(self, facts: EvidenceFacts, key: SigningKey) -> None:
        self.facts = facts
        self._key = key
        self._clip_sha256 = hashlib.sha256()
        self._manifest = b""
        self._entries = (
            ZipEntry(facts.clip_name, facts.clip.length, self._read_clip),
            ZipEntry(README, len(_README), lambda: (_README,)),
            ZipEntry(MANIFEST, len(self._make(_NO_SHA256, self._without_sha256())), self._read_manifest),
            ZipEntry(SIGNATURE, SIGNATURE_BYTES, lambda: (key.sign(self._manifest),)),
            ZipEntry(PUBLIC_KEY, len(key.public.pem), lambda: (key.public.pem,)),
        )
        self.length = zip_size(self._entries)
        """Size in bytes."""

    def read(self) -> Generator[bytes, None, None]:
        """Yield the ZIP. Blocks. Raises ClipInterrupted."""
        return zip_stream(self._entries)

    def _read_clip(self) -> Iterator[bytes]:
        clip: Clip = self.facts.clip
        for piece in clip.read(0, clip.length):
            self._clip_sha256.update(piece)
            yield piece

    def _read_manifest(self) -> Iterator[bytes]:
        # What the files hold now, so that nobody can change a recording first and have it signed then unseen.
        clip = self.facts.clip
        digests = {part.recording.id: clip.source_sha256(part.recording.id) for part in clip.parts}
        self._manifest = self._make(self._clip_sha256.hexdigest(), digests)
        yield self._manifest

    def _make(self, clip_sha256: str, sources: dict[int, str | None]) -> bytes:
        facts = self.facts
        files = (
            PackedFile(facts.clip_name, facts.clip.length, clip_sha256),
            PackedFile(README, len(_README), hashlib.sha256(_README).hexdigest()),
        )
        return manifest(facts, files, sources, self._key.public.fingerprint)

    def _without_sha256(self) -> dict[int, str | None]:
        recordings = [part.recording for part in self.facts.clip.parts]
        return {each.id: _NO_SHA256 if each.complete else None for each in recordings}
