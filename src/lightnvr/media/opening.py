"""Opening a camera with FFmpeg, and saying in plain words why it did not work."""

import errno
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

import av
from av.container import InputContainer
from av.stream import Stream

from lightnvr.media.address import SourceAddress
from lightnvr.media.errors import CameraError, Fault

S = TypeVar("S", bound=Stream)


class Transport(StrEnum):
    """How RTSP media travels."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How to open a camera. Times in seconds."""

    transport: Transport = Transport.TCP
    connect_timeout_s: float = 10.0
    stall_timeout_s: float = 10.0
    probe_s: float = 2.0


def open_camera(address: SourceAddress, options: OpenOptions) -> InputContainer:
    """Connect and find out what the camera sends. Raises CameraError.

    Blocks up to the connect timeout and twice `probe_s`.
    """
    began = time.monotonic()
    try:
        return av.open(
            address.with_secret(),
            options=_ffmpeg_options(address, options),
            # FFmpeg goes on reading for a while to see what comes. A timeout that cuts a read short would leave the
            # connection in mid-message: RTMP would never get in step again.
            timeout=(options.connect_timeout_s + 2 * options.probe_s, options.stall_timeout_s),
        )
    except (av.FFmpegError, OSError) as error:
        explained = explain(address, error)
        # FFmpeg's RTSP client gives other reasons for an answer that it stopped waiting for.
        waited_s = time.monotonic() - began
        if explained.fault is Fault.PROTOCOL and waited_s >= min(options.connect_timeout_s, options.stall_timeout_s):
            explained = _no_answer(address)
        raise explained from error


def known(streams: Iterable[S]) -> list[S]:
    """Return the streams of codecs that FFmpeg knows, such as all but G.722.1 and G.729 by RTSP.

    PyAV gives the others no codec context, although its types say that each has one.
    """
    return [stream for stream in streams if cast("object", stream.codec_context) is not None]


def _ffmpeg_options(address: SourceAddress, options: OpenOptions) -> dict[str, str]:
    probe_us = str(int(options.probe_s * 1e6))
    chosen = {"analyzeduration": probe_us, "fpsprobesize": "5"}
    if address.scheme in ("rtsp", "rtsps"):
        # `timeout` bounds each socket operation, in microseconds (FFmpeg, RTSP demuxer options).
        chosen |= {
            "rtsp_transport": options.transport.value,
            "timeout": str(int(options.stall_timeout_s * 1e6)),
            "buffer_size": "1048576",
            "allowed_media_types": "video+audio",
        }
    else:
        chosen |= {"rw_timeout": str(int(options.stall_timeout_s * 1e6))}
        if address.scheme in ("http", "https"):
            # A camera's playlist must not make the server read its own files.
            chosen |= {"protocol_whitelist": "http,https,tcp,tls,crypto"}
    return chosen


def explain(address: SourceAddress, error: Exception) -> CameraError:
    """Turn an error of FFmpeg or the system into a sentence about this camera."""
    host = f"{address.host}:{address.effective_port}"
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return CameraError(Fault.UNAUTHORIZED, f"The camera at {host} refused the user name or password.")
    if isinstance(error, av.error.HTTPNotFoundError):
        return CameraError(
            Fault.NOT_FOUND, f"The camera at {host} has no stream at {address.shown_path or '/'}: check the path."
        )
    if number == errno.EPERM and address.scheme == "rtmp":
        # What FFmpeg makes of a server's NetStream.Play.StreamNotFound and NetConnection.Connect.Rejected. Cameras
        # want user and password in the query and give one answer to a wrong path and a wrong password.
        return CameraError(
            Fault.NOT_FOUND,
            f"The camera at {host} does not give the stream at {address.shown_path or '/'}: check the path, and the "
            "user name and password in it.",
        )
    if isinstance(error, av.error.ExitError) or number in (errno.ETIMEDOUT, errno.EAGAIN):
        return _no_answer(address)
    if number == errno.ECONNREFUSED:
        return CameraError(Fault.REFUSED, f"Nothing listens at {host}: check the port, or the camera is starting.")
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN):
        return CameraError(Fault.UNREACHABLE, f"There is no way to {host}: check the address and the network.")
    if isinstance(error, av.error.EOFError) or number in (errno.ECONNRESET, errno.EPIPE):
        return CameraError(Fault.ENDED, f"The camera at {host} closed the connection.")
    if number == errno.EIO and not _resolves(address.host):
        return CameraError(Fault.UNREACHABLE, f"The name {address.host} is not known to the network.")
    text = address.scrub(getattr(error, "strerror", None) or type(error).__name__)
    return CameraError(Fault.PROTOCOL, f"The camera at {host} answered with something unusable: {text}.")


def _no_answer(address: SourceAddress) -> CameraError:
    host = f"{address.host}:{address.effective_port}"
    return CameraError(Fault.TIMEOUT, f"The camera at {host} did not answer in time.")


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
