"""Making evidence of what was recorded."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from lightnvr.playback.clips import Clips, clip_file_name
from lightnvr.playback.evidence.manifest import EvidenceFacts
from lightnvr.playback.evidence.package import EvidencePackage
from lightnvr.playback.evidence.signing import PublicKey, SigningKey
from lightnvr.recording.service import Digests


class Evidence:
    """Makes evidence, signed with the key in `key_file`, which is made when it is first needed.

    `made_by` names this program; `now_us` gives microseconds since 1970 UTC.
    """

    def __init__(self, clips: Clips, digests: Digests, key_file: Path, made_by: str, now_us: Callable[[], int]) -> None:
        self._clips = clips
        self._digests = digests
        self._key_file = key_file
        self._made_by = made_by
        self._now_us = now_us

    async def package(self, stream_name: str, start_us: int, end_us: int, *, audio: bool = True) -> EvidencePackage:
        """Return the evidence of a span. Nothing of the media is read for it yet.

        Raises what `Clips.cut` does, and UnusableEvidenceKey.
        """
        clip = await self._clips.cut(stream_name, start_us, end_us, audio=audio)
        facts = EvidenceFacts(
            stream_name=stream_name,
            start_us=start_us,
            end_us=end_us,
            made_us=self._now_us(),
            made_by=self._made_by,
            clip=clip,
            clip_name=clip_file_name(stream_name, clip),
            digests=await self._digests.of([part.recording.id for part in clip.parts]),
        )
        return EvidencePackage(facts, await self._key())

    async def public_key(self) -> PublicKey:
        """Return what the evidence is checked with. Raises UnusableEvidenceKey."""
        return (await self._key()).public

    async def _key(self) -> SigningKey:
        return await asyncio.to_thread(SigningKey.open, self._key_file)
