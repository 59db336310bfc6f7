"""What comes of an offer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to an offer. `etag` names this ICE session (RFC 9725, section 4.3.1)."""

    session_id: str
    sdp: str
    etag: str
