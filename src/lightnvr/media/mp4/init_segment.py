"""What the `moov` of a fragmented file says of its tracks."""

import struct
from dataclasses import dataclass

from lightnvr.media.mp4.boxes import Box, MalformedBox, children, first


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """One track of an init segment. `handler` is `vide` or `soun`, `timescale` is in units a second."""

    track_id: int
    handler: bytes
    timescale: int
    width: int
    height: int
    sample_entry: bytes


@dataclass(frozen=True, slots=True)
class InitSegment:
    """`ftyp` and `moov` of a fragmented file: with it any of its fragments plays."""

    content: bytes
    tracks: tuple[TrackHeader, ...]

    @classmethod
    def parse(cls, content: bytes) -> "InitSegment":
        """Read an init segment. Raises MalformedBox."""
        try:
            moov = _moov(content)
            traks = [child for child in children(content, moov.payload, moov.end) if child.type == b"trak"]
            return cls(content, tuple(_track(content, trak) for trak in traks))
        except struct.error as error:
            raise MalformedBox(f"moov: {error}") from error

    @property
    def ftyp_size(self) -> int:
        """Size of the `ftyp` box in bytes; the `moov` follows it."""
        return int(struct.unpack_from(">I", self.content)[0])

    @property
    def video(self) -> TrackHeader:
        """The video track. Raises MalformedBox when there is none."""
        for track in self.tracks:
            if track.handler == b"vide":
                return track
        raise MalformedBox("the init segment has no video track")


def _moov(content: bytes) -> Box:
    for found in children(content, 0, len(content)):
        if found.type == b"moov":
            return found
    raise MalformedBox("the init segment has no moov")


def _track(content: bytes, trak: Box) -> TrackHeader:
    tkhd = first(content, trak, b"tkhd")
    wide = content[tkhd.payload] == 1
    track_id = struct.unpack_from(">I", content, tkhd.payload + (20 if wide else 12))[0]
    width, height = struct.unpack_from(">II", content, tkhd.end - 8)
    mdia = first(content, trak, b"mdia")
    mdhd = first(content, mdia, b"mdhd")
    timescale = struct.unpack_from(">I", content, mdhd.payload + (20 if content[mdhd.payload] == 1 else 12))[0]
    hdlr = first(content, mdia, b"hdlr")
    stbl = first(content, first(content, mdia, b"minf"), b"stbl")
    stsd = first(content, stbl, b"stsd")
    entry = bytes(content[stsd.payload + 12 : stsd.payload + 16])
    if not timescale:
        raise MalformedBox("a track has no time scale")
    return TrackHeader(
        track_id, bytes(content[hdlr.payload + 8 : hdlr.payload + 12]), timescale, width >> 16, height >> 16, entry
    )
