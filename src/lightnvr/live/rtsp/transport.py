"""The `Transport` header of SETUP (RFC 2326, section 12.39)."""

from dataclasses import dataclass

from lightnvr.live.rtsp.messages import RtspError


@dataclass(frozen=True, slots=True)
class OverTcp:
    """RTP interleaved into the RTSP connection; None leaves the choice of channels to the server."""

    channels: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class OverUdp:
    """RTP and RTCP to these two ports of the client."""

    client_ports: tuple[int, int]


def choose_transport(header: str | None, *, udp: bool) -> OverTcp | OverUdp:
    """The first of the client's alternatives that the server can do. Raises RtspError 400 or 461."""
    if not header:
        raise RtspError(400)
    for alternative in header.split(","):
        chosen = _understand(alternative, udp=udp)
        if chosen is not None:
            return chosen
    raise RtspError(461)


def _understand(alternative: str, *, udp: bool) -> OverTcp | OverUdp | None:
    protocol, *parameters = (part.strip() for part in alternative.split(";"))
    values = {name.lower(): value for name, _, value in (part.partition("=") for part in parameters)}
    if "multicast" in values or values.get("mode", "play").strip('"').lower() != "play":
        return None
    match protocol.upper():
        case "RTP/AVP/TCP":
            if "interleaved" not in values:
                return OverTcp(None)
            channels = _pair(values["interleaved"], 255)
            return OverTcp(channels) if channels else None
        case "RTP/AVP" | "RTP/AVP/UDP" if udp:
            ports = _pair(values.get("client_port", ""), 65535)
            return OverUdp(ports) if ports and all(ports) else None
    return None


def _pair(text: str, highest: int) -> tuple[int, int] | None:
    first, dash, second = text.partition("-")
    if not (first.isascii() and first.isdigit()):
        return None
    if dash and not (second.isascii() and second.isdigit()):
        return None
    low = int(first)
    high = int(second) if dash else low + 1
    return (low, high) if max(low, high) <= highest and low != high else None
