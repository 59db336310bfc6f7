"""WebRTC: live pictures for browsers, by one offer and one answer (WHEP)."""

from lightnvr.live.webrtc.answered import Answered
from lightnvr.live.webrtc.service import NoSuchSession, OtherOffer, WebRtc, WebRtcOptions

__all__ = ["Answered", "NoSuchSession", "OtherOffer", "WebRtc", "WebRtcOptions"]
