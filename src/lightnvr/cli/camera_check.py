"""Looks at a camera: is it reachable, does it let us in, what does it send, what would be recorded."""

from lightnvr.cli.findings import Finding
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult, probe
from lightnvr.streams.model import Stream

_WATCH_S = 15.0
_LONG_INTERVAL_S = 10.0
_ADVICE = {
    Fault.REFUSED: "Look whether the port is right and RTSP is switched on in the camera.",
    Fault.UNREACHABLE: "Look whether the camera has power and a network, and whether its address has changed.",
    Fault.TIMEOUT: "Look whether the camera has power and a network; some need to be restarted when they hang.",
    Fault.UNAUTHORIZED: "Correct the user name and password in the stream's settings.",
    Fault.NOT_FOUND: "Correct the path at the end of the address; the camera's manual names it.",
    Fault.NO_VIDEO: "Choose an address that carries video.",
    Fault.UNSUPPORTED: "Set the camera to H.264 or H.265.",
}
_OTHER_ADVICE = "Restart the camera; if that does not help, update its firmware."


def check_camera(stream: Stream, timeout_s: float) -> Finding:
    """Connect to a camera and look for up to 15 s. Blocks."""
    subject = f"camera {stream.name}"
    if stream.problem:
        return Finding.bad(subject, stream.problem, "")
    if not stream.settings.enabled:
        return Finding.fine(subject, "is switched off")
    transport = Transport.UDP if stream.settings.protocol == 1 else Transport.TCP
    try:
        seen = probe(stream.address, transport, timeout_s, watch_keyframes_s=_WATCH_S)
    except CameraError as error:
        return Finding.bad(subject, str(error), _ADVICE.get(error.fault, _OTHER_ADVICE))
    return _judged(subject, stream, seen)


def _judged(subject: str, stream: Stream, seen: ProbeResult) -> Finding:
    sound = f"sound in {seen.audio_codec}" if seen.audio_codec else "no sound"
    fact = f"sends {seen.codec} {seen.width}x{seen.height} at {seen.fps:g} pictures a second, {sound}"
    if not seen.recorded:
        return Finding.bad(subject, f"{fact}, which cannot be recorded", _ADVICE[Fault.UNSUPPORTED])
    interval = seen.keyframe_interval_s
    if interval is None or interval > _LONG_INTERVAL_S:
        shown = f"more than {_WATCH_S:g}" if interval is None else f"{interval:g}"
        return Finding.bad(
            subject,
            f"{fact}, keyframes {shown} s apart",
            "Recordings can only begin at keyframes: set the I-frame interval of the camera to 1 to 4 seconds.",
        )
    return Finding.fine(subject, f"{fact}, a keyframe every {interval:g} s; {_recorded(stream, seen)}")


def _recorded(stream: Stream, seen: ProbeResult) -> str:
    settings = stream.settings
    if not settings.record:
        return "is not recorded, as set"
    sound = "with sound" if settings.record_audio and seen.audio_codec else "without sound"
    return f"is recorded {sound}, {settings.segment_duration} s a file"
