"""RTSP server: cameras restreamed to players, and the demo cameras."""

from lightnvr.live.rtp.frames import RtpBatch, RtpFrame, RtpSender
from lightnvr.live.rtp.packetizer import Packetizer, packetizer_for
from lightnvr.live.rtp.payload import Codec, Track
from lightnvr.live.rtsp.authentication import Authenticator, BasicAuthenticator, DigestAuthenticator
from lightnvr.live.rtsp.broadcast import Broadcast
from lightnvr.live.rtsp.connection import Limits
from lightnvr.live.rtsp.mount import FixedMounts, Mount, Mounts, MountUnavailable, Presentation, Viewer
from lightnvr.live.rtsp.server import RtspServer

__all__ = [
    "Authenticator",
    "BasicAuthenticator",
    "Broadcast",
    "Codec",
    "DigestAuthenticator",
    "FixedMounts",
    "Limits",
    "Mount",
    "MountUnavailable",
    "Mounts",
    "Packetizer",
    "Presentation",
    "RtpBatch",
    "RtpFrame",
    "RtpSender",
    "RtspServer",
    "Track",
    "Viewer",
    "packetizer_for",
]
