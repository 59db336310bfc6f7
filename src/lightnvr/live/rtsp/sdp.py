"""The session description that answers DESCRIBE (RFC 4566, RFC 2326 appendix C)."""

from lightnvr.live.rtp.payload import payload_format
from lightnvr.live.rtsp.mount import Presentation


def describe(presentation: Presentation, address: str) -> str:
    """SDP of a presentation as served from `address` (the server's own, as the viewer reached it)."""
    family = "IP6" if ":" in address else "IP4"
    name = "".join(c for c in presentation.name if c.isprintable()) or "-"
    lines = [
        "v=0",
        f"o=- 0 0 IN {family} {address}",
        f"s={name}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104  the viewer's own choice, as RFC 2326, C.1.7, has it
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    for index, track in enumerate(presentation.tracks):
        payload = payload_format(track, index)
        lines += [
            f"m={'video' if track.is_video else 'audio'} 0 RTP/AVP {payload.payload_type}",
            f"a=rtpmap:{payload.payload_type} {payload.rtpmap}",
        ]
        if payload.fmtp:
            lines.append(f"a=fmtp:{payload.payload_type} {payload.fmtp}")
        lines.append(f"a=control:trackID={index}")
    return "\r\n".join(lines) + "\r\n"
