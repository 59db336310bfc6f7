"""WebRTC: live pictures for browsers, by one offer and one answer (WHEP)."""

from lightnvr.live.webrtc.service import NoSuchSession, OtherOffer, WebRtc, WebRtcOptions
from lightnvr.live.webrtc.session import Answered

__all__ = ["Answered", "NoSuchSession", "OtherOffer", "WebRtc", "WebRtcOptions"]
