"""Coded frames put together again from their RTP packets (RFC 6184, RFC 7798), apart from the product's own code."""

from lightnvr.live.rtp.frames import RtpFrame

_START_CODE = b"\0\0\0\1"


def rtp_payloads(frame: RtpFrame) -> list[bytes]:
    """The payloads of a frame's packets."""
    ends = [offset - 4 for offset in frame.offsets[1:]] + [len(frame.data)]
    return [frame.data[start + 12 : end] for start, end in zip(frame.offsets, ends, strict=True)]


def access_unit(codec: str, frame: RtpFrame) -> bytes:
    """The frame as Annex B."""
    return b"".join(_START_CODE + unit for unit in units(codec, frame))


def units(codec: str, frame: RtpFrame) -> list[bytes]:
    """The NAL units of a frame."""
    found: list[bytes] = []
    for payload in rtp_payloads(frame):
        if codec == "h264":
            kind, header, aggregate, fragment = payload[0] & 0x1F, 1, 24, 28
        else:
            kind, header, aggregate, fragment = payload[0] >> 1 & 0x3F, 2, 48, 49
        if kind == aggregate:
            at = header
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                found.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == fragment:
            if payload[header] & 0x80:
                found.append(_unit_header(codec, payload))
            found[-1] += payload[header + 1 :]
        else:
            found.append(payload)
    return found


def _unit_header(codec: str, payload: bytes) -> bytes:
    if codec == "h264":
        return bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
    return bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])
